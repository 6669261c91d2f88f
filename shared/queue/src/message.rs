//! The content of a message in the queue.

use serde::{Deserialize, Serialize};
use session::event::EventId;
use url::Url;
use uuid::Uuid;

/// The most characters of a message group id (AWS, `SendMessage`).
const GROUP_LENGTH_MAX: usize = 128;

/// Says that an event is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The environment of the event.
    pub environment_id: Uuid,
    /// The event.
    pub event: EventId,
    /// How many attempts have failed before. If the event's item has counted more, the message is
    /// out of date.
    pub attempt: u32,
    /// When it is due, in epoch milliseconds.
    pub due_ms: i64,
    /// The origin of the receiver's URL, which is also the message group.
    pub receiver: String,
    /// Whether the event is sent although its delivery has ended, because an operator asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

impl Message {
    /// The message as the body of an SQS message.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the body of an SQS message.
    pub fn parse(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// The origin of a receiver's URL, such as `https://hooks.example.com`. It may be logged, unlike
/// the path, which may contain a secret.
pub fn receiver(url: &str) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
    let mut origin = origin.unwrap_or_else(|_| "invalid".to_owned());
    origin.truncate(GROUP_LENGTH_MAX);
    origin
}
