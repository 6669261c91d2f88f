//! SQS's requests and answers: JSON, the operation in `X-Amz-Target`. The answers lack SQS's MD5
//! digests, which the SDK does not require.

use std::sync::{Arc, Mutex};

use api::Timestamp;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::messages::Messages;
use super::{Clock, lock};

/// The limits of SQS (AWS, "Amazon SQS message quotas").
const ENTRIES_MAX: usize = 10;
const DELAY_SECONDS_MAX: i64 = 900;
const BODY_LENGTH_MAX: usize = 1_048_576;
const GROUP_LENGTH_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    message_body: String,
    #[serde(default)]
    delay_seconds: i64,
    message_group_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessageBatch {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    #[serde(flatten)]
    message: SendMessage,
}

/// The name of an error and its message.
struct Failure(&'static str, String);

/// Answers a request.
pub async fn answer(
    State((messages, clock)): State<(Arc<Mutex<Messages>>, Clock)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let now = clock();
    let (status, body) = match perform(&messages, now, target.unwrap_or_default(), &body) {
        Ok(body) => (StatusCode::OK, body),
        Err(Failure(name, message)) => {
            (StatusCode::BAD_REQUEST, json!({ "__type": name, "message": message }))
        }
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/x-amz-json-1.0".to_owned()),
        ("x-amzn-requestid", Uuid::new_v4().to_string()),
    ];
    (status, headers, body.to_string()).into_response()
}

fn perform(
    messages: &Mutex<Messages>,
    now: Timestamp,
    target: &str,
    body: &[u8],
) -> Result<Value, Failure> {
    match target {
        "AmazonSQS.SendMessage" => {
            let id = send(messages, now, parse(body)?)?;
            Ok(json!({ "MessageId": id.to_string() }))
        }
        "AmazonSQS.SendMessageBatch" => send_batch(messages, now, parse(body)?),
        _ => Err(Failure("UnknownOperationException", String::new())),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    let problem = |_| Failure("ValidationException", "A member is missing or invalid.".to_owned());
    serde_json::from_slice(body).map_err(problem)
}

fn send(messages: &Mutex<Messages>, now: Timestamp, message: SendMessage) -> Result<u64, Failure> {
    let invalid = |text: &str| Failure("InvalidParameterValue", text.to_owned());
    if !(0..=DELAY_SECONDS_MAX).contains(&message.delay_seconds) {
        return Err(invalid("DelaySeconds is not between 0 and 900"));
    }
    if message.message_body.is_empty() || message.message_body.len() > BODY_LENGTH_MAX {
        return Err(invalid("The message is empty or longer than 1,048,576 bytes"));
    }
    let is_group = |group: &String| {
        (1..=GROUP_LENGTH_MAX).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_graphic())
    };
    if !message.message_group_id.as_ref().is_none_or(is_group) {
        return Err(invalid("MessageGroupId is not 1 to 128 letters, digits and punctuation"));
    }
    let due = now.saturating_add(SignedDuration::from_secs(message.delay_seconds)).unwrap_or(now);
    Ok(lock(messages).send(message.message_body, due))
}

fn send_batch(
    messages: &Mutex<Messages>,
    now: Timestamp,
    batch: SendMessageBatch,
) -> Result<Value, Failure> {
    if !(1..=ENTRIES_MAX).contains(&batch.entries.len()) {
        let name = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        return Err(Failure(name, "A batch has 1 to 10 entries".to_owned()));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for Entry { id, message } in batch.entries {
        match send(messages, now, message) {
            Ok(message_id) => {
                successful.push(json!({ "Id": id, "MessageId": message_id.to_string() }));
            }
            Err(Failure(code, message)) => failed.push(json!({
                "Id": id, "SenderFault": true, "Code": code, "Message": message,
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}
