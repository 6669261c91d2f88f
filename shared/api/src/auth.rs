//! Who is calling (contract section 6): a customer's server with a secret key, or a browser with a
//! session token. Neither credential is ever taken for the other.

use std::borrow::Cow;

use jiff::Timestamp;
use lambda_http::http::header::AUTHORIZATION;
use session::Error;
use session::connect_session::ConnectSession;
use session::error::REQUIRED_SCOPE;
use session::secret_key::SecretKey;
use session::token::SessionToken;

use crate::app::App;
use crate::grants::Grant;
use crate::request::{Request, header};
use crate::telemetry;

/// Keys of the recorded service's sandboxes start like this. There are none here, so each is
/// well-formed and unknown.
const SANDBOX_KEY_PREFIX: &str = "nango_sbx_v1_";

/// What the secret key that the request carries may do: make sessions, in one environment.
pub async fn grant(app: &App, request: &Request, now: Timestamp) -> Result<Grant, Error> {
    let credential = credential(request)?;
    if credential.starts_with(SANDBOX_KEY_PREFIX) {
        return Err(Error::UnknownAccount);
    }
    let key = SecretKey::parse(&credential).map_err(|_| Error::InvalidSecretKeyFormat)?;
    let grant = app.grants.grant(&app.tables, &key.hash(), now).await?;
    let grant = grant.ok_or(Error::UnknownAccount)?;
    telemetry::note(|summary| {
        summary.environment_id = Some(grant.environment.id);
        summary.key_id = Some(grant.key.id);
    });
    if grant.key.has_scope(REQUIRED_SCOPE) { Ok(grant) } else { Err(Error::InsufficientScope) }
}

/// The session token that the request carries, not yet known to be good.
pub fn session_token(request: &Request) -> Result<SessionToken, Error> {
    SessionToken::parse(&credential(request)?).map_err(|_| Error::InvalidSessionTokenFormat)
}

/// The live session of a token.
pub async fn session(
    app: &App,
    token: &SessionToken,
    now: Timestamp,
) -> Result<ConnectSession, Error> {
    let session = app.tables.session(&token.hash()).await?;
    known(app, session.filter(|session| session.is_live(now)), now).await
}

/// Ends the live session of a token.
pub async fn end_session(app: &App, token: &SessionToken, now: Timestamp) -> Result<(), Error> {
    known(app, app.tables.delete_session(&token.hash(), now).await?, now).await?;
    Ok(())
}

/// A session that neither its environment nor its key has taken along.
async fn known(
    app: &App,
    session: Option<ConnectSession>,
    now: Timestamp,
) -> Result<ConnectSession, Error> {
    let session = session.ok_or(Error::UnknownSessionToken)?;
    telemetry::note(|summary| {
        summary.environment_id = Some(session.environment_id);
        summary.session_id = Some(session.id);
    });
    let environment = app.grants.environment(&app.tables, session.environment_id, now).await?;
    match environment {
        Some(environment) if !environment.has_ended_sessions_of(session.minted_by) => Ok(session),
        _ => Err(Error::UnknownSessionToken),
    }
}

/// Whatever follows the last `Bearer ` of the header, or all of it where there is none.
fn credential(request: &Request) -> Result<Cow<'_, str>, Error> {
    const SCHEME: &str = "Bearer ";
    let value = header(request.headers(), &AUTHORIZATION).filter(|value| !value.is_empty());
    let value = value.ok_or(Error::MissingAuthHeader)?;
    Ok(match value.rfind(SCHEME) {
        Some(at) => Cow::Owned(value[at + SCHEME.len()..].to_owned()),
        None => value,
    })
}
