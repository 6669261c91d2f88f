//! What the process says on standard error while it runs.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use api::telemetry::{self, SUMMARY_TARGET};
use axum::http::{Method, StatusCode};
use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// The target of the short lines about requests, which replace the JSON summaries on a terminal.
const REQUEST_TARGET: &str = "local::request";

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object per line, as on Lambda.
    Json,
    /// Short lines for people.
    Pretty,
}

/// Starts the log. Without a format, a terminal gets the short one.
pub fn start(log: &Targets, format: Option<Format>, no_color: bool) {
    let is_terminal = stderr().is_terminal();
    let for_terminals = if is_terminal { Format::Pretty } else { Format::Json };
    match format.unwrap_or(for_terminals) {
        Format::Json => {
            let log = log.clone().with_target(REQUEST_TARGET, LevelFilter::OFF);
            telemetry::start_with(log, telemetry::json_lines(stderr));
        }
        Format::Pretty => {
            let log = log
                .clone()
                .with_target(REQUEST_TARGET, LevelFilter::INFO)
                .with_target(SUMMARY_TARGET, LevelFilter::OFF);
            let lines = tracing_subscriber::fmt::layer()
                .compact()
                .with_ansi(is_terminal && !no_color)
                .with_target(false)
                .with_timer(LocalTime)
                .with_writer(stderr);
            telemetry::start_with(log, lines);
        }
    }
}

/// Logs an answered request, with the error code of the answer if it has one. The path is logged
/// without its query, which may hold a credential.
pub fn request(method: &Method, path: &str, status: StatusCode, code: &str, took: Duration) {
    let milliseconds = took.as_secs_f64() * 1e3;
    let code = if code.is_empty() { String::new() } else { format!("{code} ") };
    let line = format_args!("{method} {path} {} {code}{milliseconds:.1} ms", status.as_u16());
    match status.as_u16() {
        500.. => tracing::error!(target: REQUEST_TARGET, "{line}"),
        400.. => tracing::warn!(target: REQUEST_TARGET, "{line}"),
        _ => tracing::info!(target: REQUEST_TARGET, "{line}"),
    }
}

/// The time of day in the reader's time zone.
struct LocalTime;

impl FormatTime for LocalTime {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        write!(line, "{}", jiff::Zoned::now().strftime("%H:%M:%S"))
    }
}
