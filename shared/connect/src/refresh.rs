//! A request for valid credentials: its input and its outcome.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use secrets::Secrets;
use serde_json::{Map, Value};
use session::Error;
use session::connection::Connection;
use session::environment::Environment;
use session::refresh::RefreshFailure;

use crate::connect::Connect;

/// The message about a failed renewal, in the answer and in the webhook.
pub const FAILED: &str = "The external API returned an error when trying to refresh the access \
                          token. Please try again later.";

/// When a caller wants new credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// If the token expires soon, unless a renewal has failed recently.
    IfEnding,
    /// Always.
    Always,
    /// Always, except while another caller is renewing them.
    WhileIdle,
}

/// The outcome of a request.
#[derive(Debug)]
pub enum Outcome {
    /// The connection as it is now, and its credentials.
    Credentials(Box<Connection>, Map<String, Value>),
    /// No credentials: the renewal failed just now.
    Failed(Box<Connection>, RefreshFailure),
    /// No credentials: an earlier renewal failed, and it is too early for another.
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
    /// A request that arrived at `now` and must be answered `within` some time.
    pub fn new(
        connect: &'a Connect,
        environment: &'a Environment,
        now: Timestamp,
        within: Duration,
    ) -> Self {
        let started = Instant::now();
        Self { connect, environment, now, started, until: started + within }
    }

    /// The current time: `now` and the time that has passed since.
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

/// The error if the connection was deleted in the meantime.
pub(crate) fn gone() -> Error {
    Error::refused(404, "not_found", "Failed to find connection")
}
