//! The beginning and the end of an attempt.

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

/// The client that signs requests: the end user's own, or that of the integration.
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

/// Saves the connection, if its session still exists, and returns its id.
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

/// Returns the outcome of an attempt. If the service itself failed, this also stores a webhook
/// about it. If the webhook cannot be stored, that is logged and does not change the answer.
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
        // By the contract of these endpoints, a connection that was not made has no id.
        connection_id: draft.is_reconnect.then_some(&draft.connection_id),
        provider: "unknown",
        auth_mode: Some(attempt.provider.auth_mode()),
        failure: Failure { kind: "unknown", description },
    };
    let events = failed.events(&attempt.environment, now)?;
    Ok(connect.app.tables.put_events(attempt.environment.id, events).await?)
}
