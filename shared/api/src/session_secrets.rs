//! Secrets in a session's defaults: `oauth_client_secret_override` and
//! `oauth_refresh_token_override` of a `connection_config`.
//!
//! Before the session is written they are taken out and sealed with a key that is derived from its
//! token. Only the token's hash is stored, so only the holder of the token can open them, and KMS
//! is not needed.

use sealing::{Location, Purpose, SealingError, TokenKey};
use serde_json::{Map, Value};
use session::connect_session::ConnectSession;
use session::token::SessionToken;
use session::{Error, json};

/// The keys of a `connection_config` that are secret.
const SECRETS: [&str; 2] = ["oauth_client_secret_override", "oauth_refresh_token_override"];

/// Moves the secrets of a session that is about to be written into `session.secrets`, sealed;
/// `null` stays in their places.
pub fn seal(token: &SessionToken, session: &mut ConnectSession) -> Result<(), Error> {
    let mut secrets = Map::new();
    for (key, defaults) in session.integrations_config_defaults.iter_mut().flatten() {
        let mut own = Map::new();
        for (name, value) in defaults.connection_config.iter_mut().flatten() {
            if SECRETS.contains(&name.as_str()) {
                own.insert(name.clone(), std::mem::take(value));
            }
        }
        if !own.is_empty() {
            secrets.insert(key.as_str().to_owned(), Value::Object(own));
        }
    }
    if secrets.is_empty() {
        return Ok(());
    }
    let hash = token.hash();
    let text = Value::Object(secrets).to_string();
    let key = TokenKey::new(token.expose(), Purpose::SessionDefaults);
    let sealed = key.seal(&location(hash.as_bytes()), text.as_bytes());
    session.secrets = Some(sealed.map_err(|error| match error {
        SealingError::TooLong => Error::PayloadTooLarge,
        error => Error::internal(error),
    })?);
    Ok(())
}

/// Puts the secrets back in their places.
pub fn open(token: &SessionToken, session: &mut ConnectSession) -> Result<(), Error> {
    let Some(sealed) = session.secrets.take() else { return Ok(()) };
    let hash = token.hash();
    let key = TokenKey::new(token.expose(), Purpose::SessionDefaults);
    let opened = key.open(&location(hash.as_bytes()), &sealed).map_err(Error::internal)?;
    let text = str::from_utf8(opened.expose()).map_err(Error::internal)?;
    let secrets = json::parse(text).map_err(Error::internal)?;
    for (key, defaults) in session.integrations_config_defaults.iter_mut().flatten() {
        for (name, value) in defaults.connection_config.iter_mut().flatten() {
            if let Some(secret) = secrets.get(key.as_str()).and_then(|own| own.get(name)) {
                *value = secret.clone();
            }
        }
    }
    Ok(())
}

fn location(token_hash: &[u8]) -> Location<'_> {
    Location { table: "sessions", partition_key: token_hash, sort_key: b"", attribute: "secrets" }
}
