//! The schedule of AWS: it invokes a function now and then.

use std::time::Duration;

use api::Timestamp;
use connect::Connect;
use refresh_connections::EVERY;
use serde_json::Value;

/// What an invocation has left when it begins.
const TIME_LEFT: Duration = Duration::from_mins(5);

/// Invokes `refresh-connections` as often as the template does, for as long as the process lives.
pub fn refresh_on_a_timer(connect: &'static Connect, clock: fn() -> Timestamp) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            // A failure is logged there, and the next run goes on.
            let _ = refresh_connections::handle(connect, Value::Null, clock(), TIME_LEFT).await;
        }
    });
}
