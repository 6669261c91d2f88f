//! `provision` makes the registry agree with an environment document.
//!
//! It has no route: operators invoke it with IAM credentials. The document is declarative and
//! idempotent. What it does not name is left alone, `"state": "absent"` removes, and a bad one is
//! refused whole. A secret that it leaves out is generated and answered once, here.
//!
//! - `document`: what an operator asks for.
//! - `plan`: what to write so that the registry agrees with it.
//! - `report`: what that did.

mod document;
mod plan;
mod report;

use api::{App, Error, Timestamp, telemetry};
use serde_json::{Value, json};
use tables::Tables;

use document::Document;
use plan::Plan;

pub use report::{GeneratedSecret, Report};

/// Answers a [`Report`], or `{"error": …}` in the form of the API's errors.
pub async fn handle(app: &App, document: Value, now: Timestamp) -> Value {
    match apply(&app.tables, document, now).await {
        Ok(report) => json!(report),
        Err(error) => {
            if let Error::Internal(cause) | Error::Unavailable(cause) = &error {
                telemetry::failed(error.code(), cause);
            }
            error.body()
        }
    }
}

/// Applies a document: reads it, reads what it names, writes what differs.
pub async fn apply(tables: &Tables, document: Value, now: Timestamp) -> Result<Report, Error> {
    let document = Document::read(document).map_err(Error::InvalidBody)?;
    let Plan { changes, report } = Plan::of(tables, document, now.as_millisecond()).await?;
    tables.change_registry(changes).await?;
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
    Ok(report)
}
