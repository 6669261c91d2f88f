//! Logs: JSON lines, one summary per request.
//!
//! No token, key, body or header is ever logged. Libraries say what they send at `debug` and
//! `trace`, the Lambda runtime whole events, so below `info` only this project's own lines pass,
//! whatever `RUST_LOG` says.

use std::cell::RefCell;
use std::time::Instant;

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use uuid::Uuid;

use crate::response::Response;

tokio::task_local! {
    static SUMMARY: RefCell<Summary>;
}

/// The targets of this project's own lines.
const OWN_TARGETS: [&str; 3] = ["shared", "provision", "local"];

/// What one request turned out to be, noted on the way by whoever knows.
#[derive(Debug, Default)]
pub struct Summary {
    /// The id that Lambda gave the invocation.
    pub request_id: String,
    /// The tenant, once known.
    pub environment_id: Option<Uuid>,
    /// The secret key's id, never the key.
    pub key_id: Option<Uuid>,
    /// The session's id, never its token.
    pub session_id: Option<Uuid>,
    /// The error code, if the request failed.
    pub code: Option<&'static str>,
    /// Requests sent to DynamoDB, retries included.
    pub dynamodb_calls: u32,
}

/// Starts writing logs to standard output. Later calls change nothing.
pub fn start(log: &Targets) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    let quotes_nothing = filter_fn(|line| {
        OWN_TARGETS.iter().any(|own| line.target().starts_with(own))
            || *line.level() <= tracing::Level::INFO
    });
    let logs = tracing_subscriber::registry().with(log.clone()).with(quotes_nothing).with(lines);
    if logs.try_init().is_ok() {
        // A panic's text may quote the request, so only its place is logged.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "a handler panicked");
        }));
    }
}

/// Runs a request and logs one line about it.
pub async fn summarise(
    route: &str,
    request_id: String,
    request: impl Future<Output = Response>,
) -> Response {
    let started = Instant::now();
    let summary = RefCell::new(Summary { request_id, ..Summary::default() });
    SUMMARY
        .scope(summary, async {
            let response = request.await;
            note(|summary| {
                tracing::info!(
                    route,
                    status = response.status().as_u16(),
                    code = summary.code,
                    duration_us = started.elapsed().as_micros() as u64,
                    dynamodb_calls = summary.dynamodb_calls,
                    environment_id = summary.environment_id.map(tracing::field::display),
                    key_id = summary.key_id.map(tracing::field::display),
                    session_id = summary.session_id.map(tracing::field::display),
                    request_id = summary.request_id,
                    "request"
                );
            });
            response
        })
        .await
}

/// Notes something for the summary of the request that is being answered, if there is one.
pub fn note(change: impl FnOnce(&mut Summary)) {
    let _ = SUMMARY.try_with(|summary| change(&mut summary.borrow_mut()));
}

/// Logs a failure of ours, with its cause.
pub fn failed(code: &str, cause: &str) {
    let request_id = SUMMARY.try_with(|summary| summary.borrow().request_id.clone());
    tracing::error!(code, cause, request_id = request_id.ok(), "request failed");
}

/// Counts what the SDK sends.
#[derive(Debug)]
pub struct CountCalls;

impl Intercept for CountCalls {
    fn name(&self) -> &'static str {
        "CountCalls"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        note(|summary| summary.dynamodb_calls += 1);
        Ok(())
    }
}
