//! Events: webhooks, each for one receiver, as they are stored until they are delivered.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

/// The id of an event. It begins with the time at which the event was created, so that events sort
/// by time (UUID version 7, RFC 9562 section 5.7). Receivers see it as `webhook-id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// A new id.
    pub fn generate(now: Timestamp) -> Result<Self, getrandom::Error> {
        let mut random = [0; 10];
        getrandom::fill(&mut random)?;
        Ok(Self(Builder::from_unix_timestamp_millis(unix_ms(now), &random).into_uuid()))
    }

    /// The id that sorts before all ids that are generated at `moment` or later.
    pub fn first_at(moment: Timestamp) -> Self {
        Self(Builder::from_unix_timestamp_millis(unix_ms(moment), &[0; 10]).into_uuid())
    }

    /// The id, if `text` is one.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn unix_ms(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millisecond()).unwrap_or_default()
}

/// A webhook for one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The same in every attempt to deliver it.
    pub id: EventId,
    /// Where it goes.
    pub url: String,
    /// The body, exactly as it is signed and sent.
    pub body: String,
    /// When it was created, to the millisecond.
    pub created_at: Timestamp,
}
