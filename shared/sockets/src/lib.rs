//! Messages to WebSocket clients, through the management API that API Gateway has for every
//! WebSocket API (`@connections`). Only this crate calls that API.
//!
//! A browser opens a socket, receives its connection id in a `connection_ack`, and sends that id
//! when it starts an OAuth flow. The flow's outcome is then posted to it, once (section 8 of the
//! flow).
//!
//! - [`Sockets`]: posts to a connection, and closes it.
//! - `undelivered`: why a message does not arrive.

mod undelivered;

use std::fmt;
use std::sync::LazyLock;

use aws::SdkConfig;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use serde_json::{Value, json};

pub use undelivered::Undelivered;

/// The longest connection id that is accepted. API Gateway's have 16 characters, UUIDs 36.
const ID_LENGTH_MAX: usize = 128;

/// The open sockets of a WebSocket API. Without an API, nothing is called.
pub struct Sockets(Option<LazyClient>);

/// A client that is made for the first message, since most requests send none.
type LazyClient = LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>;

impl Sockets {
    /// The sockets of the WebSocket API whose management endpoint is `url`
    /// (`https://<api>.execute-api.<region>.amazonaws.com/<stage>`), or none.
    pub fn new(config: SdkConfig, url: Option<String>) -> Self {
        Self(url.map(|url| {
            let config = move || Builder::from(&config).endpoint_url(url).build();
            LazyLock::new(Box::new(move || Client::from_conf(config())) as Box<_>)
        }))
    }

    /// Posts the outcome of a flow to the socket that was named at its start, if there was one.
    pub async fn tell(&self, connection_id: Option<&str>, message: &Value) {
        if let Some(id) = connection_id {
            self.post(id, message).await;
        }
    }

    /// Posts the outcome of a flow, and closes the connection. One id gets one outcome, so a second
    /// flow with the same id gets none. A failure is only logged, since the session and the
    /// callback page report the outcome too. `connection_id` comes from a client and may be any
    /// text.
    pub async fn post(&self, connection_id: &str, message: &Value) {
        match self.send(connection_id, message).await {
            Ok(()) => self.close(connection_id).await,
            // The page was closed, or the client invented the id.
            Err(Undelivered::Gone) => {}
            Err(Undelivered::Failed(cause)) => tracing::warn!(cause, "a socket got no message"),
        }
    }

    /// Sends a client its connection id.
    pub async fn acknowledge(&self, connection_id: &str) -> Result<(), Undelivered> {
        self.send(connection_id, &acknowledgement(connection_id)).await
    }

    async fn send(&self, connection_id: &str, message: &Value) -> Result<(), Undelivered> {
        let Some(client) = &self.0 else { return Err(Undelivered::Gone) };
        if !is_id(connection_id) {
            return Err(Undelivered::Gone);
        }
        let data = Blob::new(message.to_string());
        let call = client.post_to_connection().connection_id(connection_id).data(data);
        match Box::pin(call.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Undelivered::from_call("PostToConnection", &error)),
        }
    }

    async fn close(&self, connection_id: &str) {
        let Some(client) = &self.0 else { return };
        let call = client.delete_connection().connection_id(connection_id);
        let closed = Box::pin(call.send()).await;
        let problem = closed.map_err(|error| Undelivered::from_call("DeleteConnection", &error));
        if let Err(Undelivered::Failed(cause)) = problem {
            tracing::warn!(cause, "a socket was not closed");
        }
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").finish_non_exhaustive()
    }
}

/// The first message of every socket: `{"message_type":"connection_ack","ws_client_id":"…"}`.
pub fn acknowledgement(connection_id: &str) -> Value {
    json!({ "message_type": "connection_ack", "ws_client_id": connection_id })
}

/// Whether a text can be a connection id: base64 or a UUID. It becomes a path segment, in which the
/// SDK escapes everything but letters, digits and `-._~`, and dots could lead to another path.
fn is_id(text: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=+/".contains(&byte);
    (1..=ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(is_of_id)
}
