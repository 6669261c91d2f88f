//! The open sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::{Message, WebSocket};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use uuid::Uuid;

/// The open sockets that wait for their message, by connection id.
#[derive(Debug, Clone, Default)]
pub struct Hub(Arc<Mutex<HashMap<String, oneshot::Sender<String>>>>);

impl Hub {
    /// Sends a message to a socket and forgets its id. Returns whether the socket was waiting.
    pub fn deliver(&self, id: &str, message: String) -> bool {
        let socket = self.open().remove(id);
        socket.is_some_and(|socket| socket.send(message).is_ok())
    }

    /// Forgets an id. Returns whether it was known.
    pub fn forget(&self, id: &str) -> bool {
        self.open().remove(id).is_some()
    }

    /// Serves a socket until its client closes it: sends its id, then its message.
    pub async fn serve(self, mut socket: WebSocket) {
        let id = Uuid::new_v4().to_string();
        let (sender, message) = oneshot::channel();
        let mut message = message.fuse();
        self.open().insert(id.clone(), sender);
        let acknowledgement = sockets::acknowledgement(&id).to_string();
        let mut sent = socket.send(Message::text(acknowledgement)).await;
        while sent.is_ok() {
            tokio::select! {
                Ok(message) = &mut message => sent = socket.send(Message::text(message)).await,
                received = socket.recv() => match received {
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                },
            }
        }
        self.forget(&id);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
