//! A request for credentials that work: what it needs, and what comes of it.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use secrets::Secrets;
use serde_json::{Map, Value};
use session::Error;
use session::connection::Connection;
use session::environment::Environment;
use session::refresh::RefreshFailure;

use crate::connect::Connect;

/// What the customer is told of a renewal that failed, in the answer and in the webhook.
pub const FAILED: &str = "The external API returned an error when trying to refresh the access \
                          token. Please try again later.";

/// When a caller wants new credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// If the token ends soon, and unless a renewal has failed lately.
    IfEnding,
    /// In any case.
    Always,
    /// In any case, unless somebody else is getting them.
    WhileIdle,
}

/// What there is to answer.
#[derive(Debug)]
pub enum Outcome {
    /// These credentials, of a connection as it is now.
    Credentials(Box<Connection>, Map<String, Value>),
    /// None: this renewal failed just now.
    Failed(Box<Connection>, RefreshFailure),
    /// None: an earlier renewal failed, and it is too early for another.
    BackingOff(Box<Connection>, RefreshFailure),
}

/// One request for credentials.
#[derive(Debug, Clone, Copy)]
pub struct Refresh<'a> {
    pub(crate) connect: &'a Connect,
    pub(crate) environment: &'a Environment,
    pub(crate) now: Timestamp,
    started: Instant,
    pub(crate) until: Instant,
}

impl<'a> Refresh<'a> {
    /// A request that arrived at `now` and has to be answered within some time.
    pub fn new(
        connect: &'a Connect,
        environment: &'a Environment,
        now: Timestamp,
        within: Duration,
    ) -> Self {
        let started = Instant::now();
        Self { connect, environment, now, started, until: started + within }
    }

    /// The time by now.
    pub(crate) fn moment(self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        self.now.saturating_add(elapsed).unwrap_or(self.now)
    }

    /// The secrets of the connection's environment.
    pub(crate) fn secrets(&self) -> Secrets<'a> {
        self.connect.secrets(self.environment, self.now)
    }

    /// The credentials of a connection, opened.
    pub(crate) async fn open(self, connection: &Connection) -> Result<Map<String, Value>, Error> {
        let Some(sealed) = &connection.credentials else { return Ok(Map::new()) };
        let (key, id) = (&connection.integration_id, &connection.connection_id);
        self.secrets().open_credentials(key, id, sealed).await
    }
}

/// The connection was deleted meanwhile.
pub(crate) fn gone() -> Error {
    Error::refused(404, "not_found", "Failed to find connection")
}
