//! Puts each new event of the events table into the queue of webhooks that are due.
//!
//! Lambda reads the table's stream and invokes this function with the records of inserted items
//! (AWS, "Using Lambda to process DynamoDB records"). It only forwards them, so that no receiver
//! can hold up the stream.
//!
//! - `record`: reads a record of the stream.

mod record;

use std::time::Duration;

use api::lambda::Start;
use api::{InitError, InvocationFailure, Timestamp, telemetry};
use queue::{BATCH_MAX, Message, Queue};
use serde::Deserialize;
use serde_json::{Value, json};

use record::Record;

/// The queue, on a client for SQS.
pub fn start(Start { app, aws }: Start) -> Result<Queue, InitError> {
    let settings = app.settings;
    let sqs = queue::client(&aws, settings.sqs_endpoint_url);
    Ok(Queue::new(sqs, settings.webhooks_queue_url))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    records: Vec<Value>,
}

/// Forwards a batch. Answers the records that SQS did not accept; Lambda delivers the batch again,
/// starting with the first of them (AWS, "Configuring partial batch response with DynamoDB and
/// Lambda").
pub async fn handle(
    queue: &Queue,
    batch: Value,
    now: Timestamp,
    _: Duration,
) -> Result<Value, InvocationFailure> {
    let batch: Batch = serde_json::from_value(batch).map_err(|_| InvocationFailure {
        code: "invalid_event",
        body: json!({ "error": { "code": "invalid_event" } }),
    })?;
    let mut messages = Vec::new();
    for record in batch.records {
        // Not reported as a failure: it would only come again and hold up the records after it.
        match Record::read(record) {
            Some(Record { sequence_number, message }) => messages.push((sequence_number, message)),
            None => telemetry::failed("invalid_record", "a record of the stream is not an event"),
        }
    }
    let mut failures = Vec::new();
    for some in messages.chunks(BATCH_MAX) {
        let wanted: Vec<Message> = some.iter().map(|(_, message)| message.clone()).collect();
        if let Err(not_sent) = queue.send(&wanted, now).await {
            telemetry::failed("not_queued", &not_sent.cause);
            let failed = not_sent.places.into_iter().filter_map(|place| some.get(place));
            failures.extend(
                failed.map(|(sequence_number, _)| json!({ "itemIdentifier": sequence_number })),
            );
        }
    }
    tracing::info!(queued = messages.len() - failures.len(), failed = failures.len(), "queued");
    Ok(json!({ "batchItemFailures": failures }))
}
