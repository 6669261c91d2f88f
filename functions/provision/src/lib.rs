//! `provision` makes the registry agree with an environment document, or describes environments.
//!
//! It has no route: operators invoke it with IAM credentials. The document is declarative and
//! idempotent. Things that it does not name are left alone, `"state": "absent"` removes, and an
//! invalid document is refused whole. A secret that it leaves out is generated and shown once, in
//! the answer.
//!
//! Each file imports only files below it in this list.
//!
//! - `describe`: describes environments.
//! - `writer`: writes plans, in transactions.
//! - `plan`: compares a document with the registry, and plans the writes.
//! - `settings`: the part of a plan about the environment itself, its branch key and webhooks.
//! - `signing_keys`: the keys that sign webhooks.
//! - `integrations`: the part about integrations, providers and connections.
//! - `secret_keys`: the part about secret keys.
//! - `sealed`: seals secrets before they are written.
//! - `planner`: collects the steps of a plan.
//! - `stored`: reads the stored state of everything in a document.
//! - `document`: the environment document.
//! - `provider_document`, `webhooks_document`: its parts about providers and webhooks.
//! - `document_parts`: what its parts share.
//! - `report`: what applying a document changed, and why it stopped.

mod describe;
mod document;
mod document_parts;
mod integrations;
mod plan;
mod planner;
mod provider_document;
mod report;
mod sealed;
mod secret_keys;
mod settings;
mod signing_keys;
mod stored;
mod webhooks_document;
mod writer;

use std::time::{Duration, Instant};

use api::{App, InvocationFailure, Timestamp, telemetry};
use serde_json::{Value, json};
use vault::Vault;

use document::Document;

pub use report::{Cause, Failure, GeneratedSecret, Report, Stopped};

/// How often the registry is read and compared again because somebody else has changed it.
const CONFLICTS_MAX: u32 = 4;

/// The shortest and the longest pause before that.
const CONFLICT_PAUSE_MS: std::ops::Range<u64> = 10..100;

/// Applies a document, or describes environments if the request has `describe`. A failure has
/// `{"error": …}` and everything else that an operator must know.
pub async fn handle(
    app: &App,
    vault: &Vault,
    request: Value,
    now: Timestamp,
    time_left: Duration,
) -> Result<Value, InvocationFailure> {
    let ends_at = Instant::now().checked_add(time_left);
    let answer = if request.get("describe").is_some() {
        describe::describe(&app.tables, request).await.map(|description| json!(description))
    } else {
        apply_until(app, vault, request, now, ends_at).await.map(|report| json!(report))
    };
    answer.map_err(|failure| {
        if let Some(cause) = failure.cause() {
            telemetry::failed(failure.code(), cause);
        }
        InvocationFailure { code: failure.code(), body: failure.body() }
    })
}

/// Applies a document without a time limit.
pub async fn apply(
    app: &App,
    vault: &Vault,
    document: Value,
    now: Timestamp,
) -> Result<Report, Failure> {
    apply_until(app, vault, document, now, None).await
}

/// Reads a document and the stored state, and writes the differences. If somebody else changes an
/// environment in between, and nothing is written yet, it starts again.
async fn apply_until(
    app: &App,
    vault: &Vault,
    document: Value,
    now: Timestamp,
    ends_at: Option<Instant>,
) -> Result<Report, Failure> {
    let document = Document::read(document, app.settings.is_aws()).map_err(Failure::Refused)?;
    let now_ms = now.as_millisecond();
    let mut conflicts = 0;
    loop {
        let plans = plan::plan(&app.tables, vault, &document, now).await?;
        let written = writer::write(&app.tables, plans, now_ms, ends_at).await;
        let is_conflict = matches!(&written, Err(Failure::Stopped(stopped))
            if matches!(stopped.cause, Cause::Conflict) && !stopped.is_partial);
        if is_conflict && conflicts < CONFLICTS_MAX {
            conflicts += 1;
            tokio::time::sleep(Duration::from_millis(fastrand::u64(CONFLICT_PAUSE_MS))).await;
            continue;
        }
        match &written {
            Ok(report) => log(report),
            Err(Failure::Stopped(stopped)) => log(&stopped.applied),
            Err(Failure::Refused(_) | Failure::TooLong) => {}
        }
        return written;
    }
}

/// Logs a line for each change, and one with the counts.
fn log(report: &Report) {
    let request_id = telemetry::request_id();
    let request_id = request_id.as_deref();
    let (created, changed, removed) = (&report.created, &report.changed, &report.removed);
    for (change, paths) in [("created", created), ("changed", changed), ("removed", removed)] {
        for path in paths {
            tracing::info!(request_id, change, path, "registry changed");
        }
    }
    tracing::info!(
        request_id,
        created = report.created.len(),
        changed = report.changed.len(),
        unchanged = report.unchanged.len(),
        removed = report.removed.len(),
        secrets_generated = report.secrets.len(),
        "provisioned"
    );
}
