//! Sends the connection id to a client that has opened a socket (section 8 of the flow).
//!
//! API Gateway invokes this function asynchronously at `$connect`, with `{"connectionId":"…"}`.
//! Until `$connect` has been answered, the connection does not exist, and a post to it is answered
//! 410 (AWS, "Use @connections commands in your backend service"). So this retries for a while.

use std::time::Duration;

use api::lambda::Start;
use api::{InitError, InvocationFailure, Timestamp};
use serde_json::Value;
use sockets::{Sockets, Undelivered};

/// The wait before the second attempt. Each wait is twice the one before, so eight attempts take
/// 2.5 seconds; by then the socket is open, or the client has left.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const ATTEMPTS: u32 = 8;

/// The sockets of the API that the settings name.
pub fn start(start: Start) -> Result<Sockets, InitError> {
    let url = start.app.settings.websocket_api_url.clone();
    Ok(Sockets::new(start.aws, url))
}

/// Posts the acknowledgement. The invocation is asynchronous, so the outcome is only logged.
pub async fn handle(
    sockets: &Sockets,
    event: Value,
    _: Timestamp,
    _: Duration,
) -> Result<Value, InvocationFailure> {
    let connection_id = event["connectionId"].as_str().unwrap_or_default();
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match sockets.acknowledge(connection_id).await {
            Err(Undelivered::Gone) => tokio::time::sleep(wait).await,
            delivered => return Ok(outcome(delivered)),
        }
        wait *= 2;
    }
    Ok(outcome(sockets.acknowledge(connection_id).await))
}

fn outcome(delivered: Result<(), Undelivered>) -> Value {
    match delivered {
        Ok(()) => {}
        Err(Undelivered::Gone) => tracing::info!("the client left before it was greeted"),
        Err(Undelivered::Failed(cause)) => tracing::error!(cause, "a client was not greeted"),
    }
    Value::Null
}
