//! A browser's end of a WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long a message is waited for: longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket that has received its id.
#[derive(Debug)]
pub struct Socket {
    /// Its id, which a flow sends as `ws_client_id`.
    pub id: String,
    /// The acknowledgement.
    pub acknowledgement: Value,
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    /// Opens a socket at a path of a server, and waits for its id. The error is the status and body
    /// of an answer that opened no socket.
    pub async fn open(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Self, (u16, String)> {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        let stream = match client_async(request, stream).await {
            Ok((stream, _)) => stream,
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                return Err((
                    answer.status().as_u16(),
                    String::from_utf8_lossy(&body).into_owned(),
                ));
            }
            Err(error) => panic!("{error}"),
        };
        let mut socket = Self { id: String::new(), acknowledgement: Value::Null, stream };
        socket.acknowledgement = socket.message().await;
        let id = socket.acknowledgement["ws_client_id"].as_str().expect("an id");
        socket.id = id.to_owned();
        Ok(socket)
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        let message = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("in time");
        let message = message.expect("an open socket").expect("a message");
        serde_json::from_str(message.to_text().expect("text")).expect("JSON")
    }

    /// Whether nothing has arrived. The server answers a ping after everything that it sent before.
    pub async fn is_silent(&mut self) -> bool {
        self.send(Message::Ping("?".into())).await;
        let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("in time");
        matches!(next, Some(Ok(Message::Pong(_))))
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Message) {
        self.stream.send(message).await.expect("an open socket");
    }

    /// Closes the socket, and waits until the server has closed it too.
    pub async fn close(mut self) {
        self.stream.close(None).await.expect("an open socket");
        while let Some(Ok(_)) = self.stream.next().await {}
    }
}
