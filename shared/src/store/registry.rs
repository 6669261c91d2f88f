//! The registry table: what an operator set up, under two keys, `pk` and `sk`.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | secret key | `KEY#<sha256 hex>` | `KEY` |
//! | environment | `ENV#<id>` | `ENV` |
//! | integration | `ENV#<id>` | `INTEGRATION#<unique_key>` |
//! | connection | `ENV#<id>` | `CONNECTION#<unique_key>#<connection_id>` |
//! | name of a secret key | `ENV#<id>` | `CREDENTIAL#<name>` |
//!
//! In one environment, `sk >= "ENV"` is the settings and then the integrations. An integration's
//! `unique_key` holds no `#`, so no two connections share a key. All reads are strongly
//! consistent: what an operator provisioned is there for the next request.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use uuid::Uuid;

use super::item::{Item, Json, stored_connect_ui};
use super::{Store, StoreError};
use crate::connect_ui::ConnectUi;
use crate::connection::{Connection, ConnectionId};
use crate::end_user::EndUser;
use crate::integration::IntegrationKey;
use crate::registry::{Environment, SecretKeyRecord};
use crate::secret_key::SecretKeyHash;
use crate::tags::Tags;

/// How many integrations of an environment are read along with its settings. Where there are more,
/// the others are looked up by name when a session names them.
const INTEGRATIONS_READ_MAX: i32 = 200;

/// The most items of one BatchGetItem, and of one TransactWriteItems (AWS service quotas).
const BATCH_MAX: usize = 100;

/// How long to wait before keys that DynamoDB handed back are asked for again, at first and at
/// most.
const UNPROCESSED_PAUSE: Duration = Duration::from_millis(50);
const UNPROCESSED_PAUSE_MAX: Duration = Duration::from_millis(800);

/// The key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    pk: String,
    sk: String,
}

impl Key {
    /// Of a secret key.
    pub fn secret_key(hash: &SecretKeyHash) -> Self {
        Self { pk: format!("KEY#{}", hash.as_str()), sk: "KEY".to_owned() }
    }

    /// Of an environment's settings.
    pub fn environment(environment: Uuid) -> Self {
        Self::of_environment(environment, "ENV".to_owned())
    }

    /// Of an integration.
    pub fn integration(environment: Uuid, key: &IntegrationKey) -> Self {
        Self::of_environment(environment, format!("INTEGRATION#{}", key.as_str()))
    }

    /// Of a connection.
    pub fn connection(environment: Uuid, key: &IntegrationKey, id: &ConnectionId) -> Self {
        Self::of_environment(environment, format!("CONNECTION#{}#{}", key.as_str(), id.as_str()))
    }

    /// Of the name of a secret key.
    pub fn credential(environment: Uuid, name: &str) -> Self {
        Self::of_environment(environment, format!("CREDENTIAL#{name}"))
    }

    /// Whether it is the key of a secret key's name.
    pub fn is_credential(&self) -> bool {
        self.sk.starts_with("CREDENTIAL#")
    }

    fn of_environment(environment: Uuid, sk: String) -> Self {
        Self { pk: format!("ENV#{environment}"), sk }
    }

    fn attributes(&self) -> Item {
        let string = |text: &String| AttributeValue::S(text.clone());
        [("pk".to_owned(), string(&self.pk)), ("sk".to_owned(), string(&self.sk))].into()
    }
}

/// What an item holds, apart from its key.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A secret key.
    SecretKey(SecretKeyRecord),
    /// Where the secret key of a name is found.
    Credential(SecretKeyHash),
    /// An environment's settings.
    Environment {
        /// Unique.
        name: String,
        /// How the Connect UI looks.
        connect_ui: ConnectUi,
        /// Whether sessions may replace documentation links.
        allow_docs_connect_override: bool,
    },
    /// An integration.
    Integration {
        /// The provider's name.
        provider: String,
        /// What people see.
        display_name: Option<String>,
    },
    /// A connection.
    Connection {
        /// Whose account it is.
        end_user: Option<EndUser>,
        /// Its tags.
        tags: Tags,
    },
}

/// A record and when it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What the item holds.
    pub record: Record,
    /// Epoch milliseconds.
    pub created_at_ms: i64,
    /// Epoch milliseconds.
    pub updated_at_ms: i64,
}

/// One write of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Writes an item, whatever was there.
    Put(Key, Stored),
    /// Writes an item that must not be there yet.
    Create(Key, Stored),
    /// Removes an item.
    Delete(Key),
}

impl Store {
    /// A secret key.
    pub async fn secret_key(
        &self,
        hash: &SecretKeyHash,
    ) -> Result<Option<SecretKeyRecord>, StoreError> {
        match self.registry_item(Key::secret_key(hash)).await? {
            Some(Stored { record: Record::SecretKey(key), .. }) => Ok(Some(key)),
            _ => Ok(None),
        }
    }

    /// An environment's settings and the first of its integrations.
    pub async fn environment(&self, id: Uuid) -> Result<Option<Environment>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.registry_table)
            .key_condition_expression("pk = :pk AND sk >= :sk")
            .expression_attribute_values(":pk", AttributeValue::S(format!("ENV#{id}")))
            .expression_attribute_values(":sk", AttributeValue::S("ENV".to_owned()))
            .consistent_read(true)
            .limit(1 + INTEGRATIONS_READ_MAX)
            .send()
            .await?;
        let mut items = output.items.unwrap_or_default().into_iter();
        let Some(settings) = items.next().map(to_stored).transpose()? else { return Ok(None) };
        let (
            _,
            Stored {
                record: Record::Environment { connect_ui, allow_docs_connect_override, .. },
                ..
            },
        ) = settings
        else {
            // Integrations without settings: the environment was removed.
            return Ok(None);
        };
        let integrations = items.filter_map(|item| integration_key(&item)).collect();
        Ok(Some(Environment {
            id,
            connect_ui,
            allow_docs_connect_override,
            integrations: std::sync::Mutex::new(integrations),
        }))
    }

    /// Those of `keys` that are integrations of the environment.
    pub async fn integrations(
        &self,
        environment: Uuid,
        keys: impl Iterator<Item = &IntegrationKey>,
    ) -> Result<Vec<IntegrationKey>, StoreError> {
        let keys = keys.map(|key| Key::integration(environment, key)).collect();
        let found = self.batch_get(keys).await?;
        Ok(found.iter().filter_map(integration_key).collect())
    }

    /// A connection of the environment.
    pub async fn connection(
        &self,
        environment: Uuid,
        integration_id: &IntegrationKey,
        connection_id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        let key = Key::connection(environment, integration_id, connection_id);
        match self.registry_item(key).await? {
            Some(Stored { record: Record::Connection { end_user, .. }, .. }) => {
                Ok(Some(Connection {
                    integration_id: integration_id.clone(),
                    connection_id: connection_id.clone(),
                    end_user,
                }))
            }
            _ => Ok(None),
        }
    }

    /// The items of `keys` that exist.
    pub async fn registry_items(&self, keys: Vec<Key>) -> Result<HashMap<Key, Stored>, StoreError> {
        self.batch_get(keys).await?.into_iter().map(to_stored).collect()
    }

    /// The keys of an environment's items, or of one integration's connections.
    pub async fn registry_keys(
        &self,
        environment: Uuid,
        connections_of: Option<&IntegrationKey>,
    ) -> Result<Vec<Key>, StoreError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.registry_table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(format!("ENV#{environment}")))
            .consistent_read(true)
            .projection_expression("pk, sk");
        if let Some(key) = connections_of {
            let prefix = format!("CONNECTION#{}#", key.as_str());
            query = query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", AttributeValue::S(prefix));
        }
        let mut pages = query.into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(item) = pages.next().await {
            keys.push(from_item(item?)?);
        }
        Ok(keys)
    }

    /// Makes the changes. Each group is written whole or not at all; a group has at most a
    /// hundred.
    pub async fn change_registry(&self, groups: Vec<Vec<Change>>) -> Result<(), StoreError> {
        let mut transaction = Vec::new();
        for group in groups {
            if transaction.len() + group.len() > BATCH_MAX {
                self.transact(std::mem::take(&mut transaction)).await?;
            }
            transaction.extend(group);
        }
        self.transact(transaction).await
    }

    async fn transact(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut request = self.client.transact_write_items();
        for change in changes {
            request = request.transact_items(self.write(change)?);
        }
        request.send().await?;
        Ok(())
    }

    fn write(&self, change: Change) -> Result<TransactWriteItem, StoreError> {
        let write = TransactWriteItem::builder();
        let write = match change {
            Change::Put(key, stored) => write.put(self.put(key, stored, None)?),
            Change::Create(key, stored) => {
                write.put(self.put(key, stored, Some("attribute_not_exists(pk)"))?)
            }
            Change::Delete(key) => write.delete(
                Delete::builder()
                    .table_name(&self.registry_table)
                    .set_key(Some(key.attributes()))
                    .build()
                    .map_err(|error| StoreError::Unexpected(error.to_string()))?,
            ),
        };
        Ok(write.build())
    }

    fn put(&self, key: Key, stored: Stored, condition: Option<&str>) -> Result<Put, StoreError> {
        Put::builder()
            .table_name(&self.registry_table)
            .set_item(Some(from_stored(key, stored)?))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(|error| StoreError::Unexpected(error.to_string()))
    }

    async fn registry_item(&self, key: Key) -> Result<Option<Stored>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.registry_table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await?;
        Ok(output.item.map(to_stored).transpose()?.map(|(_, stored)| stored))
    }

    async fn batch_get(&self, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        let mut wanted: Vec<Item> = keys.iter().map(Key::attributes).collect();
        let mut pause = UNPROCESSED_PAUSE;
        while !wanted.is_empty() {
            let batch = wanted.split_off(wanted.len().saturating_sub(BATCH_MAX));
            let request = KeysAndAttributes::builder()
                .set_keys(Some(batch))
                .consistent_read(true)
                .build()
                .map_err(|error| StoreError::Unexpected(error.to_string()))?;
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.registry_table, request)
                .send()
                .await?;
            found.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
            // DynamoDB hands keys back when a table is throttled half-way.
            let unprocessed = output.unprocessed_keys.into_iter().flatten();
            let unprocessed: Vec<_> = unprocessed.flat_map(|(_, request)| request.keys).collect();
            if !unprocessed.is_empty() {
                if pause > UNPROCESSED_PAUSE_MAX {
                    return Err(StoreError::Unavailable("keys stay unprocessed".to_owned()));
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
                wanted.extend(unprocessed);
            }
        }
        Ok(found)
    }
}

/// The stored form. Which fields are there follows from the key.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct RegistryItem {
    pk: String,
    sk: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hash: Option<SecretKeyHash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_ui: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_docs_connect_override: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user: Option<Json<EndUser>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

fn from_stored(key: Key, stored: Stored) -> Result<Item, StoreError> {
    let mut item = RegistryItem {
        pk: key.pk,
        sk: key.sk,
        created_at_ms: stored.created_at_ms,
        updated_at_ms: stored.updated_at_ms,
        ..RegistryItem::default()
    };
    match stored.record {
        Record::SecretKey(key) => {
            item.key_id = Some(key.id);
            item.environment_id = Some(key.environment_id);
            item.name = Some(key.name);
            item.scopes = Some(key.scopes);
        }
        Record::Credential(hash) => item.key_hash = Some(hash),
        Record::Environment { name, connect_ui, allow_docs_connect_override } => {
            item.name = Some(name);
            item.connect_ui = stored_connect_ui(&connect_ui);
            item.allow_docs_connect_override = Some(allow_docs_connect_override);
        }
        Record::Integration { provider, display_name } => {
            item.provider = Some(provider);
            item.display_name = display_name;
        }
        Record::Connection { end_user, tags } => {
            item.end_user = end_user.map(Json);
            item.tags = Some(tags);
        }
    }
    Ok(to_item(item)?)
}

fn to_stored(item: Item) -> Result<(Key, Stored), StoreError> {
    let item: RegistryItem = from_item(item)?;
    let kind = item.sk.split('#').next().unwrap_or_default();
    let record = match (kind, item.key_id, item.environment_id, item.key_hash) {
        ("KEY", Some(id), Some(environment_id), _) => Record::SecretKey(SecretKeyRecord {
            id,
            environment_id,
            name: item.name.unwrap_or_default(),
            scopes: item.scopes.unwrap_or_default(),
        }),
        ("CREDENTIAL", _, _, Some(hash)) => Record::Credential(hash),
        ("ENV", ..) => Record::Environment {
            name: item.name.unwrap_or_default(),
            connect_ui: item.connect_ui.map(ConnectUi::from_stored).unwrap_or_default(),
            allow_docs_connect_override: item.allow_docs_connect_override.unwrap_or(true),
        },
        ("INTEGRATION", ..) => Record::Integration {
            provider: item.provider.unwrap_or_default(),
            display_name: item.display_name,
        },
        ("CONNECTION", ..) => Record::Connection {
            end_user: item.end_user.map(Json::into_inner),
            tags: item.tags.unwrap_or_default(),
        },
        _ => return Err(StoreError::Unexpected(format!("registry item of no kind: {kind}"))),
    };
    let stored =
        Stored { record, created_at_ms: item.created_at_ms, updated_at_ms: item.updated_at_ms };
    Ok((Key { pk: item.pk, sk: item.sk }, stored))
}

/// The integration that an item is about, by its sort key.
fn integration_key(item: &Item) -> Option<IntegrationKey> {
    let sk = item.get("sk")?.as_s().ok()?;
    IntegrationKey::parse(sk.strip_prefix("INTEGRATION#")?)
}
