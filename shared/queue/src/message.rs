//! What a message of the queue says.

use serde::{Deserialize, Serialize};
use session::event::EventId;
use url::Url;
use uuid::Uuid;

/// The most characters of a message group (AWS, `SendMessage`).
const GROUP_LENGTH_MAX: usize = 128;

/// An event that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Whose event it is.
    pub environment_id: Uuid,
    /// Which event.
    pub event: EventId,
    /// How many attempts have failed when the event is due. A message for fewer attempts than the
    /// event counts is out of date.
    pub attempt: u32,
    /// When it is due, in epoch milliseconds.
    pub due_ms: i64,
    /// The origin of the receiver's URL: messages to one receiver are a group.
    pub receiver: String,
    /// Whether it is sent although its delivery has ended, because somebody asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

impl Message {
    /// As the body of a message.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The message of a body, if it is one.
    pub fn parse(body: &str) -> Option<Self> {
        serde_json::from_str(body).ok()
    }
}

/// The origin of a URL, such as `https://hooks.example.com`: what may be told of a receiver, whose
/// path may be a secret.
pub fn receiver(url: &str) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
    let mut origin = origin.unwrap_or_else(|_| "invalid".to_owned());
    origin.truncate(GROUP_LENGTH_MAX);
    origin
}
