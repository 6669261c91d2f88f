//! Sends webhooks that are due.
//!
//! SQS hands over messages, each of which names an event. The event is read, signed and sent. What
//! the receiver answers is no matter of SQS: an attempt that fails is noted in the event's item,
//! and a new message says when the next one is due. Only what fails on our side is given back.
//!
//! At least once: where this stops between sending and noting, the message comes again, and the
//! receiver gets the event a second time with the same `webhook-id`.
//!
//! Invoked by an operator it sends events again: see `replay`.
//!
//! Each file imports only files below it in this list.
//!
//! - `batch`: messages of the queue.
//! - `replay`: events that are sent again on request.
//! - `delivery`: an event that is due, from its item to what became of it.
//! - `attempt`: one request to a receiver.
//! - [`signature`]: the headers that sign a request.
//! - [`schedule`]: when an attempt is due.
//! - `state`: what all of it needs.

mod attempt;
mod batch;
mod delivery;
mod replay;
pub mod schedule;
pub mod signature;
mod state;

use std::time::Duration;

use api::{InvocationFailure, Timestamp};
use serde_json::Value;

pub use delivery::signing_keys;
pub use signature::Keys;
pub use state::Deliver;

/// Answers a batch of SQS with the messages that are to come again, and an operator with how many
/// events are sent again.
pub async fn handle(
    deliver: &Deliver,
    request: Value,
    now: Timestamp,
    time_left: Duration,
) -> Result<Value, InvocationFailure> {
    if request.get("Records").is_some() {
        batch::deliver(deliver, request, now).await
    } else {
        replay::replay(deliver, request, now, time_left).await
    }
}
