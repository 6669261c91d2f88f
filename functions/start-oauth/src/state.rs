//! What the function needs besides the request.

use api::lambda::Start;
use api::{App, InitError};
use sockets::Sockets;

/// One lives as long as its execution environment.
#[derive(Debug)]
pub struct StartOauth {
    /// Settings, DynamoDB, and the environments seen lately.
    pub app: App,
    /// The browsers that wait for the end of a flow.
    pub sockets: Sockets,
}

impl StartOauth {
    /// What a start has made, and a client of the WebSocket API.
    pub fn start(start: Start) -> Result<Self, InitError> {
        let sockets = Sockets::new(
            start.connector,
            start.waits,
            start.region,
            aws::credentials(),
            start.app.settings.websocket_api_url.as_deref(),
        );
        Ok(Self { app: start.app, sockets })
    }
}

impl AsRef<App> for StartOauth {
    fn as_ref(&self) -> &App {
        &self.app
    }
}
