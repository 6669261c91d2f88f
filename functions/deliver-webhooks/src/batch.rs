//! Messages of the queue (AWS, "Using Lambda with Amazon SQS").

use api::{InvocationFailure, Timestamp, telemetry};
use futures_util::future::join_all;
use queue::Message;
use serde::Deserialize;
use serde_json::{Value, json};
use session::Error;

use crate::state::Deliver;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    body: String,
}

/// Sends all events of a batch at once. Answers the messages that must come again, because the
/// service itself failed.
pub async fn deliver(
    deliver: &Deliver,
    batch: Value,
    now: Timestamp,
) -> Result<Value, InvocationFailure> {
    let batch: Batch = serde_json::from_value(batch).map_err(|_| InvocationFailure {
        code: "invalid_event",
        body: json!({ "error": { "code": "invalid_event" } }),
    })?;
    let each = batch.records.into_iter().map(async |record| {
        let Some(message) = Message::parse(&record.body) else {
            // After it has come often enough, SQS moves it to the dead-letter queue.
            telemetry::failed("invalid_message", "a message of the queue names no event");
            return Some(record.message_id);
        };
        match deliver.message(message, now).await {
            Ok(()) => None,
            Err(Error::Internal(cause) | Error::Unavailable(cause)) => {
                telemetry::failed("not_sent", &cause);
                Some(record.message_id)
            }
            Err(error) => {
                telemetry::failed("not_sent", error.code());
                Some(record.message_id)
            }
        }
    });
    let failures = join_all(each).await.into_iter().flatten();
    let failures: Vec<_> = failures.map(|id| json!({ "itemIdentifier": id })).collect();
    Ok(json!({ "batchItemFailures": failures }))
}
