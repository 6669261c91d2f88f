//! How an attempt begins, and how it is saved.

use std::sync::Arc;

use api::{Error, Timestamp};
use connect::Connect;
use connect::clients::Client;
use connect::saving::Credentials;
use flow::attempt::{Attempt, target_gone};
use serde_json::{Map, Value};
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
    integration: Integration,
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
    let own = |name| credentials.get("config_override")?.get(name)?.as_str();
    if let (Some(id), Some(secret)) = (own("client_id"), own("client_secret")) {
        return Ok(Some(Client { id: id.to_owned(), secret: secret.to_owned() }));
    }
    connect.client(&attempt.environment, &attempt.integration, now).await
}

/// Saves the connection, if its session still stands, and answers its id.
pub async fn save(
    connect: &Connect,
    attempt: Attempt,
    new: Credentials,
    now: Timestamp,
) -> Result<String, Error> {
    let draft = attempt.draft();
    let (session, is_reconnect) = (draft.session, draft.is_reconnect);
    let id = draft.connection_id.as_str().to_owned();
    let outcome = Outcome::connected(&draft, now);
    let end = End {
        session: &session,
        outcomes_before: attempt.outcomes_before,
        outcome: &outcome,
        flow: None,
    };
    let provider = &attempt.integration.provider;
    match connect.save(&attempt.environment, provider, draft, new, end, now).await? {
        Saved::Done => Ok(id),
        Saved::SessionGone => Err(Error::UnknownSessionToken),
        Saved::Conflict if is_reconnect => Err(target_gone()),
        Saved::Conflict => Err(Error::internal("the id of a new connection is taken")),
    }
}
