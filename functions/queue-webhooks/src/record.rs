//! A record of the stream of the events table (AWS, `StreamRecord`).

use queue::Message;
use queue::message::receiver;
use serde::Deserialize;
use serde_json::Value;
use session::event::EventId;
use uuid::Uuid;

/// The record of an inserted event.
pub struct Record {
    /// The record's position in the stream.
    pub sequence_number: String,
    /// The message to put into the queue.
    pub message: Message,
}

impl Record {
    /// Reads a record. `None` if it is not the insertion of an event.
    pub fn read(record: Value) -> Option<Self> {
        let StreamRecord { dynamodb } = serde_json::from_value(record).ok()?;
        let image = dynamodb.new_image;
        let environment_id = Uuid::try_parse(image.pk.s.strip_prefix("ENV#")?).ok()?;
        let message = Message {
            environment_id,
            event: EventId::parse(&image.sk.s)?,
            attempt: image.attempt.n.parse().ok()?,
            due_ms: image.due_at_ms.n.parse().ok()?,
            receiver: receiver(&image.url.s),
            again: false,
        };
        Some(Self { sequence_number: dynamodb.sequence_number, message })
    }
}

#[derive(Deserialize)]
struct StreamRecord {
    dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    new_image: Image,
    sequence_number: String,
}

#[derive(Deserialize)]
struct Image {
    pk: Text,
    sk: Text,
    url: Text,
    attempt: Number,
    due_at_ms: Number,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    s: String,
}

#[derive(Deserialize)]
struct Number {
    #[serde(rename = "N")]
    n: String,
}
