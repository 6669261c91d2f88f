//! How an attempt begins, and how it ends.

use std::sync::Arc;

use api::{Error, Timestamp, telemetry};
use connect::Connect;
use connect::announcing::FailedAttempt;
use connect::saving::Credentials;
use flow::attempt::{Attempt, target_gone};
use secrets::clients::Client;
use serde_json::{Map, Value};
use session::auth_event::Failure;
use session::connect_session::ConnectSession;
use session::environment::Environment;
use session::integration::Integration;
use session::oauth_flow::Outcome;
use session::token::SessionToken;
use tables::attempts::{End, Saved};

/// An attempt to connect an integration of the session's environment.
pub async fn begin(
    connect: &Connect,
    token: &SessionToken,
    session: ConnectSession,
    environment: Arc<Environment>,
    integration: Arc<Integration>,
) -> Result<Attempt, Error> {
    let tables = &connect.app.tables;
    let attempt = Attempt::new(tables, token.hash(), session, environment, integration).await?;
    attempt.ok_or_else(|| Error::refused(404, "unknown_provider_template", ""))
}

/// The client that signs for the end user: their own, or that of the integration.
pub async fn client(
    connect: &Connect,
    attempt: &Attempt,
    credentials: &Map<String, Value>,
    now: Timestamp,
) -> Result<Option<Client>, Error> {
    if let Some(own) = Client::own(credentials) {
        return Ok(Some(own));
    }
    connect.secrets(&attempt.environment, now).client(&attempt.integration).await
}

/// Saves the connection, if its session still stands, and answers its id.
pub async fn save(
    connect: &Connect,
    attempt: &Attempt,
    new: Credentials,
    now: Timestamp,
) -> Result<String, Error> {
    let draft = attempt.draft();
    let (session, is_reconnect) = (draft.session, draft.is_reconnect);
    let id = draft.connection_id.as_str().to_owned();
    let outcome = Outcome::connected(&draft, now);
    let end = End {
        environment: draft.environment_id,
        session: &session,
        outcomes_before: attempt.outcomes_before,
        outcome: &outcome,
        flow: None,
    };
    match connect.save(&attempt.environment, &attempt.provider, draft, new, end, now).await? {
        Saved::Done => Ok(id),
        Saved::SessionGone => Err(Error::UnknownSessionToken),
        Saved::IntegrationGone => Err(Error::refused(404, "unknown_provider_config", "")),
        Saved::Conflict if is_reconnect => Err(target_gone()),
        Saved::Conflict => Err(Error::internal("the id of a new connection is taken")),
    }
}

/// The outcome of an attempt, which is told by webhook where it failed for a reason that nobody
/// foresaw. A webhook that cannot be kept then is logged, and changes nothing about the answer.
pub async fn tell_if_failed<T>(
    connect: &Connect,
    attempt: &Attempt,
    outcome: Result<T, Error>,
    now: Timestamp,
) -> Result<T, Error> {
    if let Err(error) = &outcome
        && error.is_ours()
        && let Err(Error::Internal(cause) | Error::Unavailable(cause)) =
            tell_failure(connect, attempt, &error.message(), now).await
    {
        telemetry::failed("webhook_not_kept", &cause);
    }
    outcome
}

async fn tell_failure(
    connect: &Connect,
    attempt: &Attempt,
    description: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let draft = attempt.draft();
    let failed = FailedAttempt {
        draft: &draft,
        // A connection that is not made has no id; so says the contract of these endpoints.
        connection_id: draft.is_reconnect.then_some(&draft.connection_id),
        provider: "unknown",
        auth_mode: Some(attempt.provider.auth_mode()),
        failure: Failure { kind: "unknown", description },
    };
    let events = failed.events(&attempt.environment, now)?;
    Ok(connect.app.tables.put_events(attempt.environment.id, events).await?)
}
