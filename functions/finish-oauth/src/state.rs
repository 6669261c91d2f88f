//! What the function needs besides the request.

use api::lambda::Start;
use api::{App, InitError};
use connect::Connect;
use sockets::Sockets;

/// One lives as long as its execution environment.
#[derive(Debug)]
pub struct FinishOauth {
    /// DynamoDB, KMS and the outside.
    pub connect: Connect,
    /// The browsers that wait for the end of a flow.
    pub sockets: Sockets,
}

impl FinishOauth {
    /// What a start has made, and clients of KMS, of the outside and of the WebSocket API.
    pub fn start(start: Start) -> Result<Self, InitError> {
        let sockets = Sockets::new(
            start.connector.clone(),
            start.waits,
            start.region.clone(),
            aws::credentials(),
            start.app.settings.websocket_api_url.as_deref(),
        );
        Ok(Self { connect: Connect::start(start)?, sockets })
    }
}

impl AsRef<App> for FinishOauth {
    fn as_ref(&self) -> &App {
        &self.connect.app
    }
}
