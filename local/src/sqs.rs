//! SQS on this machine: one queue in memory, and the two operations that the service calls,
//! `SendMessage` and `SendMessageBatch`, in SQS's JSON protocol
//! (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>).
//! [`Reader`] stands in for Lambda's side of the queue, and needs no protocol.

mod messages;
mod protocol;

use std::io::Result;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Timestamp;
use aws::{Region, Roots, Waits};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Credentials;
use axum::Router;
use jiff::SignedDuration;

use crate::server::{ANY_PORT, Server};
use messages::Messages;

pub use messages::Received;

/// How long a received message stays invisible: `VisibilityTimeout` in `template.yaml`.
pub const VISIBILITY: SignedDuration = SignedDuration::from_secs(90);

/// The clock that dates the messages.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An endpoint that speaks SQS, on a free port of the loopback interface.
pub struct Sqs {
    /// Where it listens.
    pub address: SocketAddr,
    /// The server that answers there.
    pub server: Server,
    messages: Arc<Mutex<Messages>>,
}

/// The queue as Lambda's event source mapping sees it.
#[derive(Clone)]
pub struct Reader(Arc<Mutex<Messages>>);

impl Sqs {
    /// An endpoint whose queue is empty.
    pub async fn start(clock: Clock) -> Result<Self> {
        let messages: Arc<Mutex<Messages>> = Arc::default();
        let state = (Arc::clone(&messages), clock);
        let service = Router::new().fallback(protocol::answer).with_state(state);
        let (address, server) = Server::http("SQS", ANY_PORT, service).await?;
        Ok(Self { address, server, messages })
    }

    /// The endpoint's URL (`AWS_ENDPOINT_URL_SQS`).
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of the queue (`WEBHOOKS_QUEUE_URL`).
    pub fn queue_url(&self) -> String {
        format!("{}/000000000000/webhooks", self.url())
    }

    /// The queue's reader.
    pub fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.messages))
    }
}

impl Reader {
    /// At most `most` visible messages, the one that became visible first at the front. They are
    /// invisible for [`VISIBILITY`] from now on.
    pub fn receive(&self, most: usize, now: Timestamp) -> Vec<Received> {
        let again = now.saturating_add(VISIBILITY).unwrap_or(Timestamp::MAX);
        lock(&self.0).receive(most, now, again)
    }

    /// Removes a message.
    pub fn delete(&self, id: u64) {
        lock(&self.0).delete(id);
    }

    /// Makes a message visible from the moment `visible` on.
    pub fn change_visibility(&self, id: u64, visible: Timestamp) {
        lock(&self.0).change_visibility(id, visible);
    }

    /// When the next message becomes visible, if there is a message.
    pub fn next_due(&self) -> Option<Timestamp> {
        lock(&self.0).next_due()
    }

    /// How many messages there are, including invisible ones.
    pub fn count(&self) -> usize {
        lock(&self.0).count()
    }
}

/// A client of the SQS endpoint at `url`.
pub fn client(url: &str, region: String, credentials: Credentials) -> Client {
    let config = aws::config(Roots::Native, Waits::INVOCATION, Region::new(region), credentials);
    queue::client(&config, Some(url.to_owned()))
}

fn lock(messages: &Mutex<Messages>) -> MutexGuard<'_, Messages> {
    messages.lock().unwrap_or_else(PoisonError::into_inner)
}
