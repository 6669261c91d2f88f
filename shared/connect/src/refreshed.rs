//! The end of a renewal: its result or its failure is written.
//!
//! A new refresh token is the only thing that can get another one, because the old one is worthless
//! now. So the write of the provider's answer is repeated until it succeeds or the function's time
//! is up.

use std::time::{Duration, Instant};

use api::telemetry;
use serde_json::{Map, Value};
use session::Error;
use session::auth_event::{self, AuthEvent, Operation};
use session::connection::Connection;
use session::event::Event;
use session::refresh::{Fault, Lease, RefreshFailure, RefreshState};
use tables::StoreError;
use tables::refreshing::{Failed, Renewed, Written};
use tokio::time::sleep;

use crate::keepalive;
use crate::refresh::{FAILED, Outcome, Refresh, gone};
use crate::renewal::Renewal;

/// The error type in the webhook.
const FAILURE_KIND: &str = "refresh_token_external_error";

/// The first and the longest pause before a read or a write is repeated.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(40);
pub(crate) const LOOK_AGAIN_MAX: Duration = Duration::from_millis(640);

impl Refresh<'_> {
    /// Writes new credentials.
    pub(crate) async fn save(
        self,
        read: Connection,
        renewal: &Renewal,
        mut renewed: Map<String, Value>,
    ) -> Result<Outcome, Error> {
        let due_at = keepalive::due_at(&renewal.provider, &renewed, self.now);
        let sealed = match self.seal(&read, &renewed).await {
            // Too long to be sealed: the tokens matter more than the rest of the answer.
            Err(Error::Refused(_)) => {
                renewed.shift_remove("raw");
                self.seal(&read, &renewed).await
            }
            sealed => sealed,
        };
        let new = Renewed { credentials: sealed?, at: self.now, due_at };
        let (tables, id) = (&self.connect.app.tables, self.environment.id);
        let saved = until_written("result", self.until, || tables.save_refreshed(id, &read, &new));
        match saved.await? {
            Written::Done => {
                let mut connection = read;
                connection.credentials = Some(new.credentials);
                connection.updated_at = self.now;
                connection.refresh = RefreshState::due(due_at);
                Ok(Outcome::Credentials(Box::new(connection), renewed))
            }
            // The connection was reconnected or imported while the provider was asked.
            Written::Otherwise(found) => {
                let credentials = self.open(&found).await?;
                Ok(Outcome::Credentials(found, credentials))
            }
            Written::Gone => {
                // The connection was deleted, so nobody will use the tokens that were just issued.
                let issued = Connection { credentials: Some(new.credentials), ..read };
                self.connect.revoke(self.environment, &issued, self.now).await;
                Err(gone())
            }
        }
    }

    /// Writes that the renewal failed, unless the credentials have changed in the meantime: then
    /// the refresh token that was refused here had just been rotated.
    pub(crate) async fn fail(
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
        let saved = until_written("failure", self.until, || {
            tables.save_refresh_failure(id, &read, lease, failed, events.clone())
        });
        match saved.await? {
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

    /// The webhooks about a failure. There are none if the integration's client is wrong, since the
    /// operator has to repair that, and no end user can do anything.
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

    async fn seal(
        self,
        read: &Connection,
        credentials: &Map<String, Value>,
    ) -> Result<Vec<u8>, Error> {
        let (key, id) = (&read.integration_id, &read.connection_id);
        self.secrets().seal_credentials(key, id, credentials).await
    }
}

/// Repeats a write until it succeeds or the time is up. `part` names it in the log.
pub(crate) async fn until_written<F>(
    part: &'static str,
    ends: Instant,
    write: impl Fn() -> F,
) -> Result<Written, StoreError>
where
    F: Future<Output = Result<Written, StoreError>>,
{
    let mut pause = LOOK_AGAIN;
    loop {
        match write().await {
            Err(error) if Instant::now() + pause < ends => {
                tracing::warn!(part, cause = ?error, "a renewal is not written yet");
                sleep(pause).await;
                pause = (pause * 2).min(LOOK_AGAIN_MAX);
            }
            written => return written,
        }
    }
}

/// Logs a failure for the operator, without quoting the provider's answer.
fn log(connection: &Connection, failure: &RefreshFailure) {
    tracing::warn!(
        request_id = telemetry::request_id(),
        log_id = failure.log_id,
        integration = connection.integration_id.as_str(),
        fault = ?failure.fault,
        "credentials were not renewed"
    );
}
