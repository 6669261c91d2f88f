//! Credentials that work: those that are stored, or new ones (section 9 of the flow, "Refresh on
//! read").
//!
//! One caller at a time renews the credentials of a connection, over all containers, because a
//! provider that rotates refresh tokens takes a second use of one for theft and revokes the grant
//! (RFC 9700 section 4.14.2). That caller has the connection's lease. Everybody else answers the
//! token that is still good, or waits for the result; nobody renews without the lease, however long
//! it takes.
//!
//! A new refresh token replaces the only thing that could get another one. So what the provider has
//! answered is written until it is written, or until the function's time is up.

use std::time::{Duration, Instant};

use api::telemetry;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use session::Error;
use session::auth_event::{self, AuthEvent, Operation};
use session::connection::Connection;
use session::environment::Environment;
use session::event::Event;
use session::refresh::{Fault, Lease, RefreshFailure, RefreshState, is_ending, is_good};
use tables::refreshing::{Failed, Renewed, Written};
use tokio::time::sleep;
use uuid::Uuid;

use crate::connect::Connect;
use crate::keepalive;
use crate::renewal::{Means, Renewal};

/// What the customer is told of a renewal that failed, in the answer and in the webhook.
pub const FAILED: &str = "The external API returned an error when trying to refresh the access \
                          token. Please try again later.";
/// The kind of error that the webhook names.
const FAILURE_KIND: &str = "refresh_token_external_error";

/// How long a lease lasts. A provider has 10 seconds to answer, and the write gets what is left;
/// the function has 25 seconds altogether, so that a lease whose holder was killed ends soon
/// after it.
const LEASE: SignedDuration = SignedDuration::from_secs(20);
/// How much time a caller needs who takes the lease: for the provider, and two seconds for writing.
const TIME_NEEDED: Duration = Duration::from_secs(12);
/// How long somebody else's renewal is waited for.
const WAIT: Duration = Duration::from_secs(14);
/// How long to wait before looking again, at first and at most.
const LOOK_AGAIN: Duration = Duration::from_millis(40);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(640);

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
    connect: &'a Connect,
    environment: &'a Environment,
    now: Timestamp,
    started: Instant,
    until: Instant,
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

    /// The credentials of a connection that has some.
    pub async fn credentials(
        self,
        connection: Connection,
        wanted: Wanted,
    ) -> Result<Outcome, Error> {
        let credentials = self.open(&connection).await?;
        let Some(means) = Means::of(&credentials) else {
            return Ok(Outcome::Credentials(Box::new(connection), credentials));
        };
        if wanted == Wanted::IfEnding {
            if !is_ending(&credentials, self.now) {
                return Ok(Outcome::Credentials(Box::new(connection), credentials));
            }
            let failure = connection.refresh.failure.as_ref();
            if let Some(failure) = failure.filter(|f| f.is_exhausted() || f.is_recent(self.now)) {
                let failure = failure.clone();
                return Ok(Outcome::BackingOff(Box::new(connection), failure));
            }
        }
        self.renew(connection, means, credentials, wanted).await
    }

    async fn renew(
        self,
        connection: Connection,
        means: Means,
        credentials: Map<String, Value>,
        wanted: Wanted,
    ) -> Result<Outcome, Error> {
        let (connect, environment) = (self.connect, self.environment);
        let must_wait = match wanted {
            Wanted::IfEnding => !is_good(&credentials, self.now),
            Wanted::Always => true,
            Wanted::WhileIdle => false,
        };
        if self.is_leased(&connection) {
            let found = Box::new(connection.clone());
            return self.others(connection, credentials, found, must_wait).await;
        }
        let renewal =
            Renewal::prepare(connect, environment, &connection, means, &credentials, self.now);
        let renewal = renewal.await?;
        // From here on KMS is not needed, whatever the provider answers.
        connect.prepare_to_seal(environment, self.now).await?;

        let lease = Lease { owner: Uuid::new_v4(), ends_at: self.moment() + LEASE };
        // Nobody counts how often a token is signed here, so that needs no lease.
        if !means.is_local() {
            if Instant::now() + TIME_NEEDED > self.until {
                let cause = "too little time is left to renew the credentials";
                return Err(Error::Unavailable(cause.to_owned()));
            }
            let tables = &connect.app.tables;
            let now = self.moment();
            match tables.lease_refresh(environment.id, &connection, &lease, now).await? {
                Written::Done if self.moment() + TIME_NEEDED > lease.ends_at => {
                    let cause = "it took too long to get the lease of the credentials";
                    return Err(Error::Unavailable(cause.to_owned()));
                }
                Written::Done => {}
                Written::Gone => return Err(gone()),
                Written::Otherwise(found) => {
                    return self.others(connection, credentials, found, must_wait).await;
                }
            }
        }
        let made = renewal.make(&connect.outbound, &connection, means, &credentials, self.now);
        match made.await {
            Ok(renewed) => self.save(connection, &renewal, renewed).await,
            Err(fault) => self.fail(connection, &renewal, &lease, fault).await,
        }
    }

    /// Writes new credentials, again and again until it is done.
    async fn save(
        self,
        read: Connection,
        renewal: &Renewal,
        mut renewed: Map<String, Value>,
    ) -> Result<Outcome, Error> {
        let due_at = keepalive::due_at(&renewal.provider, &renewed, self.now);
        let sealed = match self.seal(&read, &renewed).await {
            // Too long: the rest of the answer is worth less than its tokens.
            Err(Error::Refused(_)) => {
                renewed.shift_remove("raw");
                self.seal(&read, &renewed).await
            }
            sealed => sealed,
        };
        let new = Renewed { credentials: sealed?, at: self.now, due_at };
        let mut pause = LOOK_AGAIN;
        loop {
            let tables = &self.connect.app.tables;
            match tables.save_refreshed(self.environment.id, &read, &new).await {
                Ok(Written::Done) => {
                    let mut connection = read;
                    connection.credentials = Some(new.credentials);
                    connection.updated_at = self.now;
                    connection.refresh = RefreshState::due(due_at);
                    return Ok(Outcome::Credentials(Box::new(connection), renewed));
                }
                // Connected again, or imported, while the provider was asked.
                Ok(Written::Otherwise(found)) => {
                    let credentials = self.open(&found).await?;
                    return Ok(Outcome::Credentials(found, credentials));
                }
                Ok(Written::Gone) => {
                    // What the provider has just issued is nobody's.
                    let issued = Connection { credentials: Some(new.credentials), ..read };
                    self.connect.revoke(self.environment, &issued, self.now).await;
                    return Err(gone());
                }
                Err(error) if Instant::now() + pause >= self.until => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(cause = ?error, "renewed credentials are not written yet");
                    sleep(pause).await;
                    pause = (pause * 2).min(LOOK_AGAIN_MAX);
                }
            }
        }
    }

    /// Writes that the renewal failed, unless the credentials are others meanwhile: whoever has
    /// rotated the refresh token did so with the one that was refused here.
    async fn fail(
        self,
        read: Connection,
        renewal: &Renewal,
        lease: &Lease,
        fault: Fault,
    ) -> Result<Outcome, Error> {
        let failure = RefreshFailure::new(fault, read.refresh.failure.as_ref(), self.now);
        log(&read, &failure);
        let due_at = read.refresh.due_at.and(keepalive::due_after(&failure, self.now));
        let events = self.events(&read, renewal, &failure)?;
        let failed = Failed { failure: &failure, due_at };
        let (tables, id) = (&self.connect.app.tables, self.environment.id);
        match tables.save_refresh_failure(id, &read, lease, failed, events).await? {
            Written::Otherwise(found) if found.credentials != read.credentials => {
                let credentials = self.open(&found).await?;
                Ok(Outcome::Credentials(found, credentials))
            }
            Written::Gone => Err(gone()),
            Written::Done | Written::Otherwise(_) => {
                let mut connection = read;
                connection.updated_at = self.now;
                connection.refresh.failure = Some(failure.clone());
                Ok(Outcome::Failed(Box::new(connection), failure))
            }
        }
    }

    /// The webhooks that tell of a failure. What the integration's client has caused is the
    /// operator's to repair: no end user has to do anything, so nobody is told.
    fn events(
        self,
        read: &Connection,
        renewal: &Renewal,
        failure: &RefreshFailure,
    ) -> Result<Vec<Event>, Error> {
        if failure.fault == Fault::Integration {
            return Ok(Vec::new());
        }
        let auth_mode = Some(renewal.provider.auth_mode());
        let told = auth_event::Failure { kind: FAILURE_KIND, description: FAILED };
        let event =
            AuthEvent { failure: Some(told), ..AuthEvent::of(Operation::Refresh, read, auth_mode) };
        event.webhooks(self.environment, self.now)
    }

    /// What somebody else's renewal comes to. `read` is the connection before it.
    async fn others(
        self,
        read: Connection,
        credentials: Map<String, Value>,
        mut found: Box<Connection>,
        must_wait: bool,
    ) -> Result<Outcome, Error> {
        let ends = self.until.min(Instant::now() + WAIT);
        let mut pause = LOOK_AGAIN;
        loop {
            if found.credentials != read.credentials {
                let credentials = self.open(&found).await?;
                return Ok(Outcome::Credentials(found, credentials));
            }
            if let Some(failure) = &found.refresh.failure
                && found.refresh.failure != read.refresh.failure
            {
                let failure = failure.clone();
                return Ok(Outcome::Failed(found, failure));
            }
            if !must_wait {
                return Ok(Outcome::Credentials(Box::new(read), credentials));
            }
            if !self.is_leased(&found) || Instant::now() + pause >= ends {
                let cause = "somebody else's renewal of the credentials came to no end";
                return Err(Error::Unavailable(cause.to_owned()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LOOK_AGAIN_MAX);
            let (key, id) = (&read.integration_id, &read.connection_id);
            let tables = &self.connect.app.tables;
            let again = tables.connection(self.environment.id, key, id).await?;
            found = Box::new(again.ok_or_else(gone)?);
        }
    }

    /// Whether somebody is renewing the credentials.
    fn is_leased(self, connection: &Connection) -> bool {
        let lease = connection.refresh.lease.as_ref();
        lease.is_some_and(|lease| lease.ends_at > self.moment())
    }

    /// The time by now.
    fn moment(self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        self.now.saturating_add(elapsed).unwrap_or(self.now)
    }

    async fn seal(
        self,
        read: &Connection,
        credentials: &Map<String, Value>,
    ) -> Result<Vec<u8>, Error> {
        let (key, id) = (&read.integration_id, &read.connection_id);
        self.connect.seal_credentials(self.environment, key, id, credentials, self.now).await
    }

    async fn open(self, connection: &Connection) -> Result<Map<String, Value>, Error> {
        let Some(sealed) = &connection.credentials else { return Ok(Map::new()) };
        let (key, id) = (&connection.integration_id, &connection.connection_id);
        self.connect.open_credentials(self.environment, key, id, sealed, self.now).await
    }
}

/// The connection was deleted meanwhile.
fn gone() -> Error {
    Error::refused(404, "not_found", "Failed to find connection")
}

/// A line for the operator. It quotes nothing that the provider answered.
fn log(connection: &Connection, failure: &RefreshFailure) {
    tracing::warn!(
        request_id = telemetry::request_id(),
        log_id = failure.log_id,
        integration = connection.integration_id.as_str(),
        fault = ?failure.fault,
        "credentials were not renewed"
    );
}
