//! What a schedule does on AWS: it invokes `refresh-connections` regularly.

use std::time::Duration;

use api::Timestamp;
use connect::Connect;
use refresh_connections::EVERY;
use serde_json::Value;

/// The time that an invocation has.
const TIME_LEFT: Duration = Duration::from_mins(5);

/// Invokes `refresh-connections` as often as the template does, for as long as the process lives.
pub fn refresh_on_a_timer(connect: &'static Connect, clock: fn() -> Timestamp) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            // The function logs its failures, and the next run takes up what is left.
            let _ = refresh_connections::handle(connect, Value::Null, clock(), TIME_LEFT).await;
        }
    });
}
