//! The provider and the receiver of webhooks that the recorded flow cases assume.
//!
//! Each listens on a free port and remembers the requests that it received. The values in a request
//! select the answer: an API key `bad401` is refused with 401, an authorization code `drop` breaks
//! the connection.

mod answers;
pub mod hostile;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use answers::Answer;

/// The server at which a request arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At the provider's API.
    Provider,
    /// At the receiver of webhooks.
    Webhooks,
}

/// A received request.
#[derive(Debug, Clone)]
pub struct Received {
    /// The server at which it arrived.
    pub side: Side,
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Received {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The body as an object, whether it is JSON or a form.
    pub fn parameters(&self) -> Value {
        if self.header("content-type").is_some_and(|value| value.contains("json")) {
            return serde_json::from_str(&self.body).unwrap_or_default();
        }
        let form = url::form_urlencoded::parse(self.body.as_bytes());
        form.map(|(name, value)| (name.into_owned(), Value::from(value))).collect()
    }

    /// The credential in `Authorization`, or else in `X-Api-Key`. For Basic authentication it is
    /// the decoded user and password (RFC 7617).
    pub fn credential(&self) -> String {
        let header = self.header("authorization").or_else(|| self.header("x-api-key"));
        let header = header.unwrap_or_default();
        let basic = header.strip_prefix("Basic ").and_then(|basic| STANDARD.decode(basic).ok());
        basic.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| header.to_owned())
    }
}

/// The provider and the receiver. They listen for as long as the test's runtime lives.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The address of the provider's API.
    pub address: SocketAddr,
    /// The address of the receiver of webhooks.
    pub webhooks: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Provider {
    /// Both, on free ports.
    pub async fn start() -> Self {
        let received = Arc::default();
        Self {
            address: listen(Side::Provider, Arc::clone(&received)).await,
            webhooks: listen(Side::Webhooks, Arc::clone(&received)).await,
            received,
        }
    }

    /// The provider's requests since the last call of this function.
    pub fn calls(&self) -> Vec<Received> {
        self.take(Side::Provider)
    }

    /// The webhooks since the last call of this function.
    pub fn webhooks(&self) -> Vec<Received> {
        self.take(Side::Webhooks)
    }

    /// A recorded text with the recording's addresses replaced by these.
    pub fn stand_in(&self, recorded: &str) -> String {
        recorded
            .replace(":45001", &format!(":{}", self.address.port()))
            .replace(":45002", &format!(":{}", self.webhooks.port()))
    }

    fn take(&self, side: Side) -> Vec<Received> {
        let mut received = self.received.lock().expect("no panic");
        let (taken, left) = received.drain(..).partition(|request| request.side == side);
        *received = left;
        taken
    }
}

/// Serves every request on a free port.
async fn listen(side: Side, received: Arc<Mutex<Vec<Received>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let counters: Arc<answers::Counters> = Arc::default();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (received, counters) = (Arc::clone(&received), Arc::clone(&counters));
            let service = service_fn(move |request| {
                let (received, counters) = (Arc::clone(&received), Arc::clone(&counters));
                async move {
                    let request = receive(side, request).await;
                    received.lock().expect("no panic").push(request.clone());
                    match answer(&request, address, &counters).await {
                        Answer::Response(response) => Ok(response),
                        Answer::Broken => Err("the connection breaks"),
                    }
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn receive(side: Side, request: Request<hyper::body::Incoming>) -> Received {
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), usize::MAX).await.unwrap_or_default();
    Received {
        side,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

async fn answer(request: &Received, address: SocketAddr, counters: &answers::Counters) -> Answer {
    match request.side {
        Side::Provider => answers::provider(request, address, counters).await,
        Side::Webhooks => answers::webhook(request, address, counters).await,
    }
}
