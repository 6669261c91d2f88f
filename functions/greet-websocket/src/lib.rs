//! A socket was opened: tells the client its id (section 8 of the flow).
//!
//! API Gateway invokes this function asynchronously at `$connect`, with `{"connectionId":"…"}`. The
//! connection stands only when `$connect` has been answered, and a post to it is answered 410
//! before that (AWS, "Use @connections commands in your backend service"), so this tries again for
//! a while.

use std::time::Duration;

use api::lambda::Start;
use api::{InitError, InvocationFailure, Timestamp};
use serde_json::Value;
use sockets::{Sockets, Undelivered};

/// How long it waits before the first further attempt. Each wait is twice the one before, so eight
/// attempts take 2.5 seconds: by then the client has its socket, or has left.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const ATTEMPTS: u32 = 8;

/// The sockets of the API that the settings name.
pub fn start(start: Start) -> Result<Sockets, InitError> {
    let url = start.app.settings.websocket_api_url.clone();
    Ok(Sockets::new(start.aws, url))
}

/// Posts the acknowledgement. Nobody waits for an answer: the outcome is in the log.
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
