//! Connections as items of the connections table, both directions side by side.
//!
//! | key | holds |
//! |---|---|
//! | `pk` | `ENV#<environment id>` |
//! | `sk` | `<connection id>#<integration key>`; neither holds a `#` |
//! | `created_sk` | creation time and number: sort key of the index `by-created` |
//! | `end_user_pk` | environment and end user: partition key of the index `by-end-user` |
//! | `refresh_shard`, `refresh_due_at` | when a grant is renewed: keys of `by-refresh-due` |
//!
//! The connection id comes first in the sort key, so that a connection can be found by its id
//! alone.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use sealing::Location;
use serde::Deserialize;
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use serde_json::{Map, Value};
use session::connect_session::timestamp;
use session::connection::{Connection, ConnectionId};
use session::end_user::EndUser;
use session::integration::IntegrationKey;
use session::json;
use session::tags::Tags;
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::{Item, Json, text_of};
use crate::refresh_item;

/// The attribute that contains sealed credentials.
pub(crate) const CREDENTIALS: &str = "credentials";

/// The key of a connection's item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionKey {
    /// `ENV#<environment id>`.
    pub pk: String,
    /// `<connection id>#<integration key>`.
    pub sk: String,
}

impl ConnectionKey {
    /// The key of an environment's connection.
    pub fn new(environment: Uuid, integration: &IntegrationKey, id: &ConnectionId) -> Self {
        Self { pk: partition(environment), sk: format!("{}#{}", id.as_str(), integration.as_str()) }
    }

    /// The location of the sealed credentials. It has the table's logical name, because a table
    /// that is restored from a backup has another one.
    pub fn credentials(&self) -> Location<'_> {
        Location {
            table: "connections",
            partition_key: self.pk.as_bytes(),
            sort_key: self.sk.as_bytes(),
            attribute: CREDENTIALS,
        }
    }

    /// As the SDK takes it.
    pub fn attributes(&self) -> Item {
        let string = |text: &String| AttributeValue::S(text.clone());
        HashMap::from([("pk".to_owned(), string(&self.pk)), ("sk".to_owned(), string(&self.sk))])
    }
}

/// The partition key of an environment's connections.
pub fn partition(environment: Uuid) -> String {
    format!("ENV#{environment}")
}

/// The partition key of an end user's connections in the index `by-end-user`.
pub fn end_user_partition(environment: Uuid, end_user_id: &str) -> String {
    format!("ENV#{environment}#{end_user_id}")
}

/// What a search looks through: id, display name and e-mail address, in lowercase.
pub fn search_text(id: &ConnectionId, end_user: Option<&EndUser>) -> String {
    let name = end_user.and_then(|user| user.display_name.as_deref()).unwrap_or_default();
    let email = end_user.and_then(|user| user.email.as_deref()).unwrap_or_default();
    // Separated by line feeds, so that a search does not match across two of them.
    format!("{}\n{name}\n{email}", id.as_str()).to_lowercase()
}

/// The attributes that are derived from the end user.
pub fn end_user_attributes(
    environment: Uuid,
    id: &ConnectionId,
    end_user: Option<&EndUser>,
) -> Result<Item, StoreError> {
    let mut item = Item::new();
    let mut insert =
        |name: &str, text: String| item.insert(name.to_owned(), AttributeValue::S(text));
    insert("search", search_text(id, end_user));
    if let Some(user) = end_user {
        insert("end_user", text_of(user)?);
        insert("end_user_pk", end_user_partition(environment, &user.id));
        if let Some(organization) = &user.organization {
            insert("organization_id", organization.id.clone());
        }
    }
    Ok(item)
}

/// The item of a connection.
pub fn from_connection(environment: Uuid, connection: Connection) -> Result<Item, StoreError> {
    let created_at_ms = connection.created_at.as_millisecond();
    let id = &connection.connection_id;
    let key = ConnectionKey::new(environment, &connection.integration_id, id);
    let mut item = end_user_attributes(environment, id, connection.end_user.as_ref())?;
    item.extend(key.attributes());
    let string = |text: &str| Some(AttributeValue::S(text.to_owned()));
    let number = |number: i64| Some(AttributeValue::N(number.to_string()));
    let created_sk = created_sk(&connection);
    item.extend(refresh_item::attributes(id, &connection.refresh)?);
    let metadata = connection.metadata.as_ref().map(text_of).transpose()?;
    for (name, value) in [
        ("connection_id", string(id.as_str())),
        ("integration_id", string(connection.integration_id.as_str())),
        ("number", Some(AttributeValue::N(connection.number.to_string()))),
        ("provider", string(&connection.provider)),
        ("tags", Some(AttributeValue::S(text_of(&connection.tags)?))),
        ("metadata", metadata.map(AttributeValue::S)),
        ("connection_config", Some(AttributeValue::S(text_of(&connection.connection_config)?))),
        ("webhook_url_override", connection.webhook_url_override.map(AttributeValue::S)),
        (CREDENTIALS, connection.credentials.map(|sealed| AttributeValue::B(Blob::new(sealed)))),
        ("created_at_ms", number(created_at_ms)),
        ("updated_at_ms", number(connection.updated_at.as_millisecond())),
        ("created_sk", string(&created_sk)),
    ] {
        item.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(item)
}

/// The sort key of a connection in its environment, by creation.
pub fn created_sk(connection: &Connection) -> String {
    format!("{:013}#{:016}", connection.created_at.as_millisecond(), connection.number)
}

/// One tag as it appears in the text of a connection's tags: `"plan":"pro"`. It cannot appear
/// inside a value, because the quotes there are escaped.
pub fn tag_text(key: &str, value: &str) -> Result<String, StoreError> {
    Ok(format!("{}:{}", text_of(&key)?, text_of(&value)?))
}

/// The connection of an item.
pub fn to_connection(mut item: Item) -> Result<Connection, StoreError> {
    let credentials = match item.remove(CREDENTIALS) {
        Some(AttributeValue::B(sealed)) => Some(sealed.into_inner()),
        _ => None,
    };
    let refresh = refresh_item::to_state(&item)?;
    let item: ConnectionItem = from_item(item)?;
    Ok(Connection {
        number: item.number,
        connection_id: item.connection_id,
        integration_id: item.integration_id,
        provider: item.provider,
        end_user: item.end_user.map(Json::into_inner),
        tags: item.tags.into_inner(),
        metadata: item.metadata.map(|text| object_of(&text)).transpose()?,
        connection_config: object_of(&item.connection_config)?,
        webhook_url_override: item.webhook_url_override,
        created_at: timestamp(item.created_at_ms),
        updated_at: timestamp(item.updated_at_ms),
        credentials,
        refresh,
    })
}

#[derive(Deserialize)]
struct ConnectionItem {
    connection_id: ConnectionId,
    integration_id: IntegrationKey,
    number: u64,
    provider: String,
    tags: Json<Tags>,
    end_user: Option<Json<EndUser>>,
    metadata: Option<String>,
    connection_config: String,
    webhook_url_override: Option<String>,
    created_at_ms: i64,
    updated_at_ms: i64,
}

/// A stored object. It came from a client, so it is read by [`json`], which ignores the markers of
/// `serde_json`.
fn object_of(text: &str) -> Result<Map<String, Value>, StoreError> {
    match json::parse(text) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(StoreError::Unexpected("item: an object was stored".to_owned())),
    }
}
