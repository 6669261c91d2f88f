//! Who is calling (contract section 6): a customer's server with a secret key, or a browser with a
//! session token. Neither credential is ever taken for the other.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use lambda_http::http::header::AUTHORIZATION;
use serde_json::{Map, Value};
use session::Error;
use session::connect_session::ConnectSession;
use session::environment::Environment;
use session::oauth_flow::FLOW_LIFETIME_MS;
use session::secret_key::SecretKey;
use session::token::SessionToken;
use uuid::Uuid;

use crate::app::App;
use crate::grants::Grant;
use crate::request::{Request, header};
use crate::{session_secrets, telemetry};

/// The prefix of keys for the recorded service's sandboxes. This service has no sandboxes, so such
/// a key is unknown, not malformed.
const SANDBOX_KEY_PREFIX: &str = "nango_sbx_v1_";

/// The caller of an endpoint that accepts either credential.
#[derive(Debug)]
pub enum Caller {
    /// A browser with a session token.
    Session(Box<ConnectSession>),
    /// A customer's server with a secret key.
    Key(Grant),
}

impl Caller {
    /// The environment of the caller.
    pub fn environment_id(&self) -> Uuid {
        match self {
            Self::Session(session) => session.environment_id,
            Self::Key(grant) => grant.environment.id,
        }
    }
}

/// The grant of the secret key that the request carries. The key must have one of `scopes`.
pub async fn grant(
    app: &App,
    request: &Request,
    now: Timestamp,
    scopes: &'static [&'static str],
) -> Result<Grant, Error> {
    let grant = secret_key(app, &credential(request)?, now).await?;
    if scopes.iter().any(|scope| grant.key.has_scope(scope)) {
        Ok(grant)
    } else {
        Err(Error::InsufficientScope(scopes))
    }
}

/// The caller of an endpoint that accepts a session token or a secret key. A credential with the
/// prefix of session tokens is treated as one.
pub async fn caller(app: &App, request: &Request, now: Timestamp) -> Result<Caller, Error> {
    let credential = credential(request)?;
    if credential.starts_with(SessionToken::PREFIX) {
        let token =
            SessionToken::parse(&credential).map_err(|_| Error::InvalidSessionTokenFormat)?;
        return Ok(Caller::Session(Box::new(session(app, &token, now).await?.0)));
    }
    Ok(Caller::Key(secret_key(app, &credential, now).await?))
}

async fn secret_key(app: &App, credential: &str, now: Timestamp) -> Result<Grant, Error> {
    if credential.starts_with(SANDBOX_KEY_PREFIX) {
        return Err(Error::UnknownAccount);
    }
    let key = SecretKey::parse(credential).map_err(|_| Error::InvalidSecretKeyFormat)?;
    let grant = app.grants.grant(&app.tables, &key.hash(), now).await?;
    let grant = grant.ok_or(Error::UnknownAccount)?;
    telemetry::note(|summary| {
        summary.environment_id = Some(grant.environment.id);
        summary.key_id = Some(grant.key.id);
    });
    Ok(grant)
}

/// The session token in the query of a connect endpoint. Public keys, an older kind of credential,
/// are refused.
pub fn query_token(query: &Map<String, Value>) -> Result<SessionToken, Error> {
    let given = |name| query.get(name).filter(|value| value.as_str() != Some(""));
    match given("connect_session_token") {
        Some(Value::String(text)) => {
            SessionToken::parse(text).map_err(|_| Error::InvalidSessionTokenFormat)
        }
        Some(_) => Err(Error::InvalidSessionTokenFormat),
        None if given("public_key").is_some() => Err(Error::refused(
            401,
            "deprecated_authentication",
            "Public key authentication is deprecated. Please use connect session authentication \
             instead.",
        )),
        None => Err(Error::MissingPublicKey),
    }
}

/// The session token in the `Authorization` header: well-formed, but not looked up.
pub fn session_token(request: &Request) -> Result<SessionToken, Error> {
    SessionToken::parse(&credential(request)?).map_err(|_| Error::InvalidSessionTokenFormat)
}

/// The live session of a token, with its secrets opened, and its environment.
pub async fn session(
    app: &App,
    token: &SessionToken,
    now: Timestamp,
) -> Result<(ConnectSession, Arc<Environment>), Error> {
    let session = app.tables.session(&token.hash()).await?;
    let session = session.filter(|session| session.is_live(now));
    let (mut session, environment) = known(app, session, now).await?;
    session_secrets::open(token, &mut session)?;
    Ok((session, environment))
}

/// The session of a token, if it is live or expired less than an hour ago: an OAuth flow that began
/// with it may take that long. Its secrets stay sealed.
pub async fn lately_live_session(
    app: &App,
    token: &SessionToken,
    now: Timestamp,
) -> Result<ConnectSession, Error> {
    let session = app.tables.session(&token.hash()).await?;
    let ended_before = now.as_millisecond() - FLOW_LIFETIME_MS;
    let session = session.filter(|session| session.expires_at.as_millisecond() > ended_before);
    Ok(known(app, session, now).await?.0)
}

/// Ends the live session of a token.
pub async fn end_session(app: &App, token: &SessionToken, now: Timestamp) -> Result<(), Error> {
    known(app, app.tables.delete_session(&token.hash(), now).await?, now).await?;
    Ok(())
}

/// The session, unless its environment was removed, or its key was removed together with its
/// sessions.
async fn known(
    app: &App,
    session: Option<ConnectSession>,
    now: Timestamp,
) -> Result<(ConnectSession, Arc<Environment>), Error> {
    let session = session.ok_or(Error::UnknownSessionToken)?;
    telemetry::note(|summary| {
        summary.environment_id = Some(session.environment_id);
        summary.session_id = Some(session.id);
    });
    let environment = app.grants.environment(&app.tables, session.environment_id, now).await?;
    match environment {
        Some(environment) if !environment.has_ended_sessions_of(session.minted_by) => {
            Ok((session, environment))
        }
        _ => Err(Error::UnknownSessionToken),
    }
}

/// The text after the last `Bearer ` in the header, or the whole header if there is none.
fn credential(request: &Request) -> Result<Cow<'_, str>, Error> {
    const SCHEME: &str = "Bearer ";
    let value = header(request.headers(), &AUTHORIZATION).filter(|value| !value.is_empty());
    let value = value.ok_or(Error::MissingAuthHeader)?;
    Ok(match value.rfind(SCHEME) {
        Some(at) => Cow::Owned(value[at + SCHEME.len()..].to_owned()),
        None => value,
    })
}
