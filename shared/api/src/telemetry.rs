//! Logs JSON lines, with one summary per request, which is also its metrics.
//!
//! No token, key, header or request body is logged. At `debug` and `trace`, libraries log what they
//! send, and the Lambda runtime logs whole events. So below `info` only this project's own lines
//! are logged, whatever `RUST_LOG` says.

use std::cell::RefCell;
use std::fmt::{self, Debug};
use std::time::Instant;

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use jiff::Timestamp;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};
use uuid::Uuid;

tokio::task_local! {
    static SUMMARY: RefCell<Summary>;
}

/// The targets of this project's own lines.
const OWN_TARGETS: [&str; 4] = [SUMMARY_TARGET, "api", "provision", "local"];

/// The target of summaries. On Lambda they are metrics, so no log level silences them.
pub const SUMMARY_TARGET: &str = "summary";

/// Facts about one request, collected while it is handled.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// The id that Lambda gave the invocation.
    pub request_id: String,
    /// The environment, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<Uuid>,
    /// The secret key's id, never the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<Uuid>,
    /// The session's id, never its token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// The error code, if the request failed.
    #[serde(skip)]
    pub code: Option<&'static str>,
    /// Requests sent to DynamoDB, retries included.
    pub dynamodb_calls: u32,
    /// Requests sent to KMS, retries included.
    #[serde(skip_serializing_if = "is_zero")]
    pub kms_calls: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Starts writing logs to standard output, as JSON lines. Later calls change nothing.
pub fn start(log: &Targets) {
    start_with(log.clone().with_target(SUMMARY_TARGET, Level::INFO), json_lines(std::io::stdout));
}

/// Starts logs that the layer `lines` writes. Later calls change nothing.
pub fn start_with(log: Targets, lines: impl Layer<Registry> + Send + Sync) {
    let may_be_logged = filter_fn(|line| {
        OWN_TARGETS.iter().any(|own| line.target().starts_with(own)) || *line.level() <= Level::INFO
    });
    let logs = tracing_subscriber::registry().with(lines).with(log).with(may_be_logged);
    if logs.try_init().is_ok() {
        // A panic's message may quote the request, so only its location is logged.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "a handler panicked");
        }));
    }
}

/// A layer that writes JSON lines. A summary is JSON already and is written unchanged.
pub fn json_lines<W>(writer: W) -> impl Layer<Registry>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let json = Format::default().json().flatten_event(true);
    tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Lines(json.with_current_span(false).with_span_list(false)))
        .with_writer(writer)
}

/// Runs a request and logs its summary; `status` reads the HTTP status of its answer.
pub async fn summarise<T>(
    route: &str,
    request_id: String,
    namespace: &str,
    now: Timestamp,
    status: impl Fn(&T) -> u16,
    request: impl Future<Output = T>,
) -> T {
    let started = Instant::now();
    let summary = RefCell::new(Summary { request_id, ..Summary::default() });
    let summarised = async {
        let response = request.await;
        note(|summary| {
            if tracing::enabled!(target: SUMMARY_TARGET, Level::INFO) {
                let line = Line {
                    timestamp: format!("{now:.3}"),
                    level: "INFO",
                    message: "request",
                    route,
                    status: status(&response),
                    outcome: summary.code.unwrap_or("ok"),
                    requests: 1,
                    duration_ms: (started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
                    summary,
                    metrics: metrics(namespace, now),
                };
                let line = serde_json::to_string(&line).unwrap_or_default();
                tracing::info!(target: SUMMARY_TARGET, "{line}");
            }
        });
        response
    };
    SUMMARY.scope(summary, summarised).await
}

/// The summary line of a request, with its keys in this order.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    message: &'static str,
    route: &'a str,
    status: u16,
    outcome: &'static str,
    requests: u32,
    duration_ms: f64,
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(rename = "_aws")]
    metrics: Metrics<'a>,
}

/// The metrics that CloudWatch extracts from the line (AWS, "Embedded metric format
/// specification").
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metrics<'a> {
    timestamp: i64,
    cloud_watch_metrics: [Directive<'a>; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [&'static [&'static str]; 1],
    metrics: &'static [Metric],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

/// Every metric with each of its combinations of dimensions is billed, so there are three metrics,
/// and only the count has the dimension `outcome`.
fn metrics(namespace: &str, now: Timestamp) -> Metrics<'_> {
    let by_route = Directive {
        namespace,
        dimensions: [&["route"]],
        metrics: &[
            Metric { name: "duration_ms", unit: "Milliseconds" },
            Metric { name: "dynamodb_calls", unit: "Count" },
        ],
    };
    let by_outcome = Directive {
        namespace,
        dimensions: [&["route", "outcome"]],
        metrics: &[Metric { name: "requests", unit: "Count" }],
    };
    Metrics { timestamp: now.as_millisecond(), cloud_watch_metrics: [by_route, by_outcome] }
}

/// Formats lines as JSON, except summaries, which are JSON already.
struct Lines(Format<Json>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != SUMMARY_TARGET {
            return self.0.format_event(context, writer, event);
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        writeln!(writer, "{}", message.0)
    }
}

/// The message of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// Adds to the summary of the current request, if there is one.
pub fn note(change: impl FnOnce(&mut Summary)) {
    let _ = SUMMARY.try_with(|summary| change(&mut summary.borrow_mut()));
}

/// Runs an invocation that is not an HTTP request: it has a request id, but no summary.
pub async fn identify<T>(request_id: String, invocation: impl Future<Output = T>) -> T {
    let summary = RefCell::new(Summary { request_id, ..Summary::default() });
    SUMMARY.scope(summary, invocation).await
}

/// The id of the current invocation, if there is one.
pub fn request_id() -> Option<String> {
    SUMMARY.try_with(|summary| summary.borrow().request_id.clone()).ok()
}

/// Logs a failure of the service, with its cause.
pub fn failed(code: &str, cause: &str) {
    tracing::error!(code, cause, request_id = request_id(), "request failed");
}

/// Counts the requests that an AWS client sends, for the summary of the request.
#[derive(Debug)]
pub enum CountCalls {
    /// The client of DynamoDB.
    DynamoDb,
    /// The client of KMS.
    Kms,
}

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
        note(|summary| match self {
            Self::DynamoDb => summary.dynamodb_calls += 1,
            Self::Kms => summary.kms_calls += 1,
        });
        Ok(())
    }
}
