//! `provision` makes the registry agree with an environment document.
//!
//! It has no route: operators invoke it with IAM credentials. The document is declarative and
//! idempotent. What it does not name is left alone, `"state": "absent"` removes, and a bad one is
//! refused whole. A secret that it leaves out is generated and answered once, here.

mod document;
mod plan;

use serde::Serialize;
use serde_json::{Value, json};
use shared::store::Store;
use shared::{App, Error, Timestamp, telemetry};

use document::Document;
use plan::Plan;

/// What applying a document did. Things are named by their path, `dev/integrations/github`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was not there before.
    pub created: Vec<String>,
    /// What was there, but different.
    pub changed: Vec<String>,
    /// What was there already, or already gone.
    pub unchanged: Vec<String>,
    /// What was there and is no more.
    pub removed: Vec<String>,
    /// The secrets that were generated. They are stored as hashes and cannot be shown again.
    pub secrets: Vec<GeneratedSecret>,
}

/// A secret key that the document left to be generated.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct GeneratedSecret {
    /// The name of its environment.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// The secret itself.
    pub secret: String,
}

/// Answers a [`Report`], or `{"error": …}` in the form of the API's errors.
pub async fn handle(app: &App, document: Value, now: Timestamp) -> Value {
    match apply(&app.store, document, now).await {
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
pub async fn apply(store: &Store, document: Value, now: Timestamp) -> Result<Report, Error> {
    let document = Document::read(document).map_err(Error::InvalidBody)?;
    let Plan { changes, report } = Plan::of(store, document, now.as_millisecond()).await?;
    store.change_registry(changes).await?;
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
