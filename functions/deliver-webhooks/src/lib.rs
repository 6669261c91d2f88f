//! Sends webhooks that are due.
//!
//! SQS delivers messages, each of which names an event. The event is read, signed and sent. A
//! failed attempt is recorded in the event's item, and a new message says when the next one is due;
//! SQS does not see it. Only if the service itself fails is the message returned to SQS.
//!
//! Delivery is at least once: if the function is killed after sending and before recording, the
//! message comes again, and the receiver gets the event a second time with the same `webhook-id`.
//!
//! An operator can invoke the function to send events again: see `replay`.
//!
//! Each file imports only files below it in this list.
//!
//! - `batch`: messages of the queue.
//! - `replay`: events that an operator sends again.
//! - `delivery`: delivers an event that is due.
//! - `attempt`: one request to a receiver.
//! - [`signature`]: the headers that sign a request.
//! - [`schedule`]: when the next attempt is due.
//! - `state`: the state of the function.

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

/// Answers SQS with the messages that must come again, and an operator with the number of events
/// that are sent again.
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
