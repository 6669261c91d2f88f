//! The WebSocket API on this machine: the sockets that the gateway has opened, and the endpoint
//! that posts to them, `POST /@connections/{connectionId}` (AWS, "Use @connections commands in your
//! backend service").
//!
//! A socket gets two messages at most: its id at once, and the outcome of one flow (section 8 of
//! the flow). What a client sends is ignored.

mod hub;

use std::io::Result;
use std::net::SocketAddr;

use aws::{Region, Roots, Waits};
use aws_sdk_apigatewaymanagement::config::Credentials;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use sockets::Sockets;

use crate::server::{ANY_PORT, Server};

pub use hub::Hub;

/// The management endpoint.
pub struct Websockets {
    /// Where it listens.
    pub address: SocketAddr,
    /// The server that answers there.
    pub server: Server,
    /// The sockets that it posts to.
    pub hub: Hub,
}

impl Websockets {
    /// An endpoint on a free port of the loopback interface, with no sockets yet.
    pub async fn start() -> Result<Self> {
        let hub = Hub::default();
        let service = Router::new()
            .route("/@connections/{connection_id}", post(deliver).delete(forget))
            .with_state(hub.clone());
        let (address, server) = Server::http("the WebSocket endpoint", ANY_PORT, service).await?;
        Ok(Self { address, server, hub })
    }

    /// The endpoint's URL (`WEBSOCKET_API_URL`).
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A client of the management endpoint at `url`.
pub fn sockets(url: Option<String>) -> Sockets {
    let region = Region::from_static("us-east-1");
    let credentials = Credentials::new("local", "local", None, None, "local");
    Sockets::new(aws::config(Roots::Native, Waits::REQUEST, region, credentials), url)
}

async fn deliver(State(hub): State<Hub>, Path(id): Path<String>, message: String) -> Response {
    if hub.deliver(&id, message) { StatusCode::OK.into_response() } else { gone() }
}

/// Nothing more is posted to the socket, which stays open until its client closes it.
async fn forget(State(hub): State<Hub>, Path(id): Path<String>) -> Response {
    if hub.forget(&id) { StatusCode::NO_CONTENT.into_response() } else { gone() }
}

fn gone() -> Response {
    (StatusCode::GONE, [("x-amzn-errortype", "GoneException")]).into_response()
}
