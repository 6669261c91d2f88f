//! Valid credentials of a connection: the stored ones, or new ones (section 9 of the flow, "Refresh
//! on read").
//!
//! Across all containers, one caller at a time renews the credentials of a connection, because a
//! provider that rotates refresh tokens treats a second use of one as theft and revokes the grant
//! (RFC 9700 section 4.14.2). That caller holds the connection's lease. All others answer the
//! stored token if it is still valid, or wait for the result; nobody renews without the lease.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Map, Value};
use session::Error;
use session::connection::Connection;
use session::refresh::{Lease, is_ending, is_good};
use tables::StoreError;
use tables::refreshing::Written;
use tokio::time::sleep;
use uuid::Uuid;

use crate::refresh::{Outcome, Refresh, Wanted, gone};
use crate::refreshed::{LOOK_AGAIN, LOOK_AGAIN_MAX, until_written};
use crate::renewal::{Means, Renewal};

/// How long a lease lasts. A provider has 10 seconds to answer, and the write gets the rest. If the
/// holder is killed, others wait for at most this long.
const LEASE: SignedDuration = SignedDuration::from_secs(20);
/// The time that a caller must have left to use the lease: 10 seconds for the provider, 2 for the
/// write.
const TIME_NEEDED: Duration = Duration::from_secs(12);
/// How long a caller tries to take the lease, so that [`TIME_NEEDED`] is left of it.
const LEASE_TAKEN_WITHIN: Duration = Duration::from_secs(8);
/// How long a caller waits for another caller's renewal.
const WAIT: Duration = Duration::from_secs(14);

impl Refresh<'_> {
    /// Valid credentials of a connection that has credentials.
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
        // Fetches the branch key now, so that KMS is not needed after the provider has answered.
        self.secrets().prepare_to_seal().await?;

        let lease = Lease { owner: Uuid::new_v4(), ends_at: self.moment() + LEASE };
        // A token that is signed here can be made any number of times, so it needs no lease.
        if !means.is_local() {
            if !self.has_time(&lease) {
                let cause = "too little time is left to renew the credentials";
                return Err(Error::Unavailable(cause.to_owned()));
            }
            match self.take(&connection, &lease).await? {
                Written::Done if !self.has_time(&lease) => {
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

    /// Takes the lease. It is retried for as long as there is time to use it, since a write whose
    /// answer was lost may have taken it, and then all others would wait for its end.
    async fn take(self, connection: &Connection, lease: &Lease) -> Result<Written, StoreError> {
        let (tables, id) = (&self.connect.app.tables, self.environment.id);
        let now = Instant::now();
        let latest = self.until.checked_sub(TIME_NEEDED).unwrap_or(now);
        until_written("lease", latest.min(now + LEASE_TAKEN_WITHIN), || {
            tables.lease_refresh(id, connection, lease, self.moment())
        })
        .await
    }

    /// Waits for the outcome of another caller's renewal. `read` is the connection before it.
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
            // The lease is not taken over: its holder may still be writing the provider's answer,
            // and all waiting callers would renew at this moment.
            if !self.is_leased(&found) {
                let cause = "the request that was renewing the credentials has ended without a \
                             result; the next one renews them";
                return Err(Error::Unavailable(cause.to_owned()));
            }
            if Instant::now() + pause >= ends {
                let cause = "another request is still renewing the credentials";
                return Err(Error::Unavailable(cause.to_owned()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LOOK_AGAIN_MAX);
            let (key, id) = (&read.integration_id, &read.connection_id);
            let tables = &self.connect.app.tables;
            // A read that fails is simply repeated.
            if let Ok(again) = tables.connection(self.environment.id, key, id).await {
                found = Box::new(again.ok_or_else(gone)?);
            }
        }
    }

    /// Whether there is time to use the lease.
    fn has_time(self, lease: &Lease) -> bool {
        self.moment() + TIME_NEEDED <= lease.ends_at && Instant::now() + TIME_NEEDED <= self.until
    }

    /// Whether another caller is renewing the credentials.
    fn is_leased(self, connection: &Connection) -> bool {
        let lease = connection.refresh.lease.as_ref();
        lease.is_some_and(|lease| lease.ends_at > self.moment())
    }
}
