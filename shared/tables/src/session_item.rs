//! Sessions as items of the sessions table, both directions side by side.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use session::connect_session::{ConnectSession, ReconnectTarget, timestamp};
use session::connect_ui::ConnectUi;
use session::end_user::EndUser;
use session::integration::{ConfigDefaults, IntegrationKey, Override, PerIntegration};
use session::oauth_flow::{FLOW_LIFETIME_MS, OUTCOMES_MAX, Outcome};
use session::tags::Tags;
use session::token::TokenHash;
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::{Item, Json, text_of, ttl};

/// The partition key of the sessions table.
pub const TOKEN_HASH: &str = "token_hash";

/// The attribute that contains sealed secrets.
const SECRETS: &str = "secrets";

/// The key of a session's item.
pub fn token_hash(token: &TokenHash) -> AttributeValue {
    AttributeValue::B(Blob::new(token.as_bytes()))
}

/// The stored form of a session, without its key.
#[derive(Deserialize)]
struct SessionItem {
    session_id: Uuid,
    environment_id: Uuid,
    minted_by: Uuid,
    created_at_ms: i64,
    expires_at_ms: i64,
    tags: Json<Tags>,
    allowed_integrations: Option<Json<Vec<IntegrationKey>>>,
    end_user: Option<Json<EndUser>>,
    integrations_config_defaults: Option<Json<PerIntegration<ConfigDefaults>>>,
    overrides: Option<Json<PerIntegration<Override>>>,
    webhook_url_override: Option<String>,
    connection: Option<Json<ReconnectTarget>>,
    /// Absent if the settings are the default.
    connect_ui: Option<String>,
    outcomes: Option<Vec<Json<Outcome>>>,
}

/// The item of a session. It is built by hand, since `serde_dynamo` would build three maps in a
/// row.
pub fn from_session(token: &TokenHash, session: ConnectSession) -> Result<Item, StoreError> {
    let uuid = |id: Uuid| Some(AttributeValue::S(id.to_string()));
    let number = |number: i64| Some(AttributeValue::N(number.to_string()));
    let expires_at_ms = session.expires_at.as_millisecond();
    let allowed = Some(&session.allowed_integrations).filter(|keys| !keys.is_empty());
    let attributes = [
        (TOKEN_HASH, Some(token_hash(token))),
        ("session_id", uuid(session.id)),
        ("environment_id", uuid(session.environment_id)),
        ("minted_by", uuid(session.minted_by)),
        ("created_at_ms", number(session.created_at.as_millisecond())),
        ("expires_at_ms", number(expires_at_ms)),
        // The item stays while an OAuth flow that began with the session may still end: if it is
        // missing then, the session was deleted.
        ("ttl", Some(ttl(expires_at_ms + FLOW_LIFETIME_MS))),
        ("tags", json(Some(&session.tags))?),
        ("allowed_integrations", json(allowed)?),
        ("end_user", json(session.end_user.as_ref())?),
        ("integrations_config_defaults", json(session.integrations_config_defaults.as_ref())?),
        ("overrides", json(session.overrides.as_ref())?),
        ("webhook_url_override", session.webhook_url_override.map(AttributeValue::S)),
        ("connection", json(session.connection.as_ref())?),
        ("connect_ui", stored_connect_ui(&session.connect_ui).map(AttributeValue::S)),
        (SECRETS, session.secrets.map(|sealed| AttributeValue::B(Blob::new(sealed)))),
    ];
    let mut item = Item::with_capacity(attributes.len());
    for (name, value) in attributes {
        item.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(item)
}

fn json(value: Option<&impl Serialize>) -> Result<Option<AttributeValue>, StoreError> {
    Ok(value.map(text_of).transpose()?.map(AttributeValue::S))
}

/// The session of an item.
pub fn to_session(mut item: Item) -> Result<ConnectSession, StoreError> {
    let secrets = match item.remove(SECRETS) {
        Some(AttributeValue::B(sealed)) => Some(sealed.into_inner()),
        _ => None,
    };
    let item: SessionItem = from_item(item)?;
    let outcomes = item.outcomes.unwrap_or_default();
    let oldest = outcomes.len().saturating_sub(OUTCOMES_MAX);
    Ok(ConnectSession {
        id: item.session_id,
        environment_id: item.environment_id,
        minted_by: item.minted_by,
        created_at: timestamp(item.created_at_ms),
        expires_at: timestamp(item.expires_at_ms),
        end_user: item.end_user.map(Json::into_inner),
        tags: item.tags.into_inner(),
        allowed_integrations: item.allowed_integrations.map(Json::into_inner).unwrap_or_default(),
        integrations_config_defaults: item.integrations_config_defaults.map(Json::into_inner),
        overrides: item.overrides.map(Json::into_inner),
        webhook_url_override: item.webhook_url_override,
        connection: item.connection.map(Json::into_inner),
        connect_ui: item.connect_ui.map(ConnectUi::from_stored).unwrap_or_default(),
        secrets,
        outcomes: outcomes.into_iter().skip(oldest).map(Json::into_inner).collect(),
    })
}

/// The settings as they are stored; the default is not stored.
pub fn stored_connect_ui(settings: &ConnectUi) -> Option<String> {
    (*settings != ConnectUi::default()).then(|| settings.as_str().to_owned())
}
