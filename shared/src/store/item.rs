//! Values and the items that they are stored as, both directions side by side.
//!
//! What GET answers as it was sent is stored as JSON text: a DynamoDB map forgets the order of its
//! keys, normalises numbers, and nests only 32 levels deep.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use uuid::Uuid;

use crate::connect_ui::ConnectUi;
use crate::connection::Connection;
use crate::end_user::EndUser;
use crate::integration::{ConfigDefaults, IntegrationKey, Override, PerIntegration};
use crate::session::{ConnectSession, timestamp};
use crate::store::StoreError;
use crate::tags::Tags;
use crate::token::TokenHash;

/// An item as the SDK knows it.
pub type Item = HashMap<String, AttributeValue>;

/// The partition key of the sessions table.
pub const TOKEN_HASH: &str = "token_hash";

/// The key of a session's item.
pub fn token_hash(token: &TokenHash) -> AttributeValue {
    AttributeValue::B(Blob::new(token.as_bytes()))
}

/// A session, without its key.
#[derive(Serialize, Deserialize)]
struct SessionItem {
    session_id: Uuid,
    environment_id: Uuid,
    minted_by: Uuid,
    created_at_ms: i64,
    expires_at_ms: i64,
    /// The TTL attribute: epoch seconds, rounded up, so that DynamoDB never deletes a live session.
    ttl: i64,
    tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed_integrations: Option<Json<Vec<IntegrationKey>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_user: Option<Json<EndUser>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    integrations_config_defaults: Option<Json<PerIntegration<ConfigDefaults>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overrides: Option<Json<PerIntegration<Override>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook_url_override: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connection: Option<Json<Connection>>,
    /// Absent where the settings are the default ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connect_ui: Option<String>,
}

/// The item of a session.
pub fn from_session(token: &TokenHash, session: ConnectSession) -> Result<Item, StoreError> {
    let expires_at_ms = session.expires_at.as_millisecond();
    let mut item: Item = to_item(SessionItem {
        session_id: session.id,
        environment_id: session.environment_id,
        minted_by: session.minted_by,
        created_at_ms: session.created_at.as_millisecond(),
        expires_at_ms,
        ttl: (expires_at_ms + 999).div_euclid(1_000),
        tags: session.tags,
        allowed_integrations: (!session.allowed_integrations.is_empty())
            .then_some(Json(session.allowed_integrations)),
        end_user: session.end_user.map(Json),
        integrations_config_defaults: session.integrations_config_defaults.map(Json),
        overrides: session.overrides.map(Json),
        webhook_url_override: session.webhook_url_override,
        connection: session.connection.map(Json),
        connect_ui: stored_connect_ui(&session.connect_ui),
    })?;
    item.insert(TOKEN_HASH.to_owned(), token_hash(token));
    Ok(item)
}

/// The session of an item.
pub fn to_session(item: Item) -> Result<ConnectSession, StoreError> {
    let item: SessionItem = from_item(item)?;
    Ok(ConnectSession {
        id: item.session_id,
        environment_id: item.environment_id,
        minted_by: item.minted_by,
        created_at: timestamp(item.created_at_ms),
        expires_at: timestamp(item.expires_at_ms),
        end_user: item.end_user.map(Json::into_inner),
        tags: item.tags,
        allowed_integrations: item.allowed_integrations.map(Json::into_inner).unwrap_or_default(),
        integrations_config_defaults: item.integrations_config_defaults.map(Json::into_inner),
        overrides: item.overrides.map(Json::into_inner),
        webhook_url_override: item.webhook_url_override,
        connection: item.connection.map(Json::into_inner),
        connect_ui: item.connect_ui.map(ConnectUi::from_stored).unwrap_or_default(),
    })
}

/// The settings as an attribute; the default ones need none.
pub fn stored_connect_ui(settings: &ConnectUi) -> Option<String> {
    (*settings != ConnectUi::default()).then(|| settings.as_str().to_owned())
}

/// A value stored as JSON text in one string attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Json<T>(pub T);

impl<T> Json<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.0).map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map(Self).map_err(de::Error::custom)
    }
}
