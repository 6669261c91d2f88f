//! The SQS queue with a message for each webhook that is to be sent, now or later. Only this crate
//! calls SQS.
//!
//! A message names an event and says when it is due; the event itself is in the events table. SQS
//! delays a message for at most 15 minutes, so a message that is due later is sent again when it
//! comes out.
//!
//! - [`Queue`]: sends messages.
//! - [`message`]: the content of a message.
//! - `client`: the SQS client.

mod client;
pub mod message;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use jiff::Timestamp;

pub use client::client;
pub use message::Message;

/// The most messages of one call (AWS, "Amazon SQS message quotas").
pub const BATCH_MAX: usize = 10;

/// The longest delay of a message (AWS, "Amazon SQS message quotas").
const DELAY_MAX_MS: i64 = 900_000;

/// The queue of webhooks that are due.
#[derive(Debug, Clone)]
pub struct Queue {
    sqs: Client,
    url: String,
}

/// Messages that SQS did not accept. The cause is for logs and quotes nothing of them.
#[derive(Debug)]
pub struct NotSent {
    /// The indexes of the messages.
    pub places: Vec<usize>,
    /// Why SQS did not accept them.
    pub cause: String,
}

impl Queue {
    /// The queue with this URL.
    pub fn new(sqs: Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Sends at most [`BATCH_MAX`] messages in one call. Each comes out when it is due, or after
    /// the longest delay of SQS.
    pub async fn send(&self, messages: &[Message], now: Timestamp) -> Result<(), NotSent> {
        let entry = |(place, message): (usize, &Message)| {
            SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_body(message.to_json())
                .delay_seconds(delay_seconds(message, now))
                // Fair queues: a receiver with many waiting messages does not hold up the others.
                .message_group_id(message.receiver.clone())
                .build()
        };
        let all = || (0..messages.len()).collect();
        let entries = messages.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>();
        let entries =
            entries.map_err(|error| NotSent { places: all(), cause: error.to_string() })?;
        let call = self.sqs.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let answer = Box::pin(call.send()).await;
        let answer =
            answer.map_err(|error| NotSent { places: all(), cause: client::cause(&error) })?;
        let failed = answer.failed();
        let Some(first) = failed.first() else { return Ok(()) };
        let places = failed.iter().filter_map(|entry| entry.id().parse().ok()).collect();
        Err(NotSent { places, cause: format!("SQS refused messages: {}", first.code()) })
    }
}

/// The delay of a message in seconds, rounded up, so that it never comes out too early.
fn delay_seconds(message: &Message, now: Timestamp) -> i32 {
    let wait_ms = message.due_ms.saturating_sub(now.as_millisecond()).clamp(0, DELAY_MAX_MS);
    i32::try_from(wait_ms.div_euclid(1_000) + i64::from(wait_ms % 1_000 > 0)).unwrap_or_default()
}
