//! The items of the registry table: what an operator set up, under two keys, `pk` and `sk`.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | name of an environment | `NAMES` | `NAME#<name>` |
//! | secret key | `KEY#<sha256 hex>` | `KEY` |
//! | environment | `ENV#<id>` | `ENV` |
//! | integration | `ENV#<id>` | `INTEGRATION#<unique_key>` |
//! | name of a secret key | `ENV#<id>` | `CREDENTIAL#<name>` |
//! | branch key | `ENV#<id>` | `BRANCHKEY#<version>` |
//! | provider of its own | `ENV#<id>` | `PROVIDER#<name>` |
//!
//! An environment's id is random, and everything that belongs to the environment refers to it. So
//! nothing of a removed environment comes back with another one of its name.
//!
//! In one environment, `sk BETWEEN "ENV" AND "INTEGRATION$"` is the settings and then the
//! integrations; from `CREDENTIAL#` on, the names of its keys come before them. An integration's
//! `unique_key` holds no `#`, so no two connections share a key.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use sealing::WrappedBranchKey;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use session::connect_ui::ConnectUi;
use session::environment::Environment;
use session::integration::{IntegrationClient, IntegrationKey};
use session::secret_key::{SecretKeyHash, SecretKeyRecord};
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::{Item, Json, stored_connect_ui};

/// The attribute that holds an integration's client secret, sealed.
pub const CLIENT_SECRET: &str = "client_secret";
/// The attribute that holds the key that webhooks are signed with, sealed.
pub const SIGNING_KEY: &str = "webhook_signing_key";
/// The attribute that holds a branch key, as KMS wrapped it.
const BRANCH_KEY: &str = "branch_key";

/// The key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    pk: String,
    sk: String,
}

impl Key {
    /// The partition of the environments' names.
    pub(crate) const NAMES: &str = "NAMES";

    /// Of a secret key.
    pub fn secret_key(hash: &SecretKeyHash) -> Self {
        Self { pk: format!("KEY#{}", hash.as_str()), sk: "KEY".to_owned() }
    }

    /// Of an environment's name.
    pub fn name(name: &str) -> Self {
        Self { pk: Self::NAMES.to_owned(), sk: format!("NAME#{name}") }
    }

    /// Of an environment's settings.
    pub fn environment(environment: Uuid) -> Self {
        Self::of_environment(environment, "ENV".to_owned())
    }

    /// Of an integration.
    pub fn integration(environment: Uuid, key: &IntegrationKey) -> Self {
        Self::of_environment(environment, format!("INTEGRATION#{}", key.as_str()))
    }

    /// Of the name of a secret key.
    pub fn credential(environment: Uuid, name: &str) -> Self {
        Self::of_environment(environment, format!("CREDENTIAL#{name}"))
    }

    /// Of a version of the branch key.
    pub fn branch_key(environment: Uuid, version: u32) -> Self {
        Self::of_environment(environment, format!("BRANCHKEY#{version:010}"))
    }

    /// Of a provider that the environment defines.
    pub fn provider(environment: Uuid, name: &str) -> Self {
        Self::of_environment(environment, format!("PROVIDER#{name}"))
    }

    /// The partition key.
    pub fn pk(&self) -> &str {
        &self.pk
    }

    /// The sort key.
    pub fn sk(&self) -> &str {
        &self.sk
    }

    /// Whether it is the key of a secret key's name.
    pub fn is_credential(&self) -> bool {
        self.sk.starts_with("CREDENTIAL#")
    }

    /// What the item is called among those of its kind: what follows the first `#`.
    pub fn label(&self) -> &str {
        self.sk.split_once('#').map_or("", |(_, label)| label)
    }

    fn of_environment(environment: Uuid, sk: String) -> Self {
        Self { pk: format!("ENV#{environment}"), sk }
    }

    /// As the SDK takes it.
    pub fn attributes(&self) -> Item {
        let string = |text: &String| AttributeValue::S(text.clone());
        [("pk".to_owned(), string(&self.pk)), ("sk".to_owned(), string(&self.sk))].into()
    }
}

/// What an item holds, apart from its key.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// The environment that has a name now.
    Name {
        /// Its id.
        environment_id: Uuid,
        /// Replaced by each write to the environment, at random.
        revision: Uuid,
    },
    /// A secret key.
    SecretKey(SecretKeyRecord),
    /// Where the secret key of a name is found.
    Credential(SecretKeyHash),
    /// An environment's settings.
    Environment(Settings),
    /// An integration.
    Integration {
        /// The provider's name.
        provider: String,
        /// What people see.
        display_name: Option<String>,
        /// The operator's client at the provider.
        client: Option<IntegrationClient>,
    },
    /// A version of the branch key, as KMS wrapped it.
    BranchKey {
        /// Counted from 1.
        version: u32,
        /// What KMS unwraps.
        ciphertext: Vec<u8>,
    },
    /// A provider that the environment defines: its template as JSON text.
    Provider(String),
}

/// An environment's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Unique.
    pub name: String,
    /// How the Connect UI looks.
    pub connect_ui: ConnectUi,
    /// Whether sessions may replace documentation links.
    pub allow_docs_connect_override: bool,
    /// The ids of secret keys that were removed together with their sessions, and when (epoch
    /// milliseconds).
    pub ended_keys: BTreeMap<Uuid, i64>,
    /// The newest version of the branch key, and what KMS unwraps.
    pub branch_key: Option<(u32, Vec<u8>)>,
    /// Where webhooks go, and which.
    pub webhooks: Option<WebhookSettings>,
    /// The key that webhooks are signed with, sealed.
    pub webhook_signing_key: Option<Vec<u8>>,
    /// Where providers send the browser back to, if not to this API.
    pub callback_url: Option<String>,
}

/// An environment's webhooks.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the contract")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    /// The first receiver.
    pub primary_url: Option<String>,
    /// The second receiver.
    pub secondary_url: Option<String>,
    /// Whether new connections are announced.
    pub on_auth_creation: bool,
    /// Whether failed refreshes are announced.
    pub on_auth_refresh_error: bool,
    /// Whether deleted connections are announced.
    pub on_connection_deletion: bool,
    /// Whether the older signature header is sent as well.
    pub legacy_signature: bool,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            primary_url: None,
            secondary_url: None,
            on_auth_creation: true,
            on_auth_refresh_error: true,
            on_connection_deletion: false,
            legacy_signature: false,
        }
    }
}

impl Settings {
    /// As requests see them.
    pub fn of(self, id: Uuid) -> Environment {
        let branch_key = self.branch_key.map(|(version, ciphertext)| WrappedBranchKey {
            environment_id: id,
            version,
            ciphertext,
        });
        Environment {
            id,
            branch_key,
            connect_ui: self.connect_ui,
            allow_docs_connect_override: self.allow_docs_connect_override,
            ended_keys: self.ended_keys.into_keys().collect(),
        }
    }
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

/// The stored form. Which fields are there follows from the key.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct RegistryItem {
    pk: String,
    sk: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Uuid>,
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ended_keys: BTreeMap<Uuid, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_client: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_scopes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch_key_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhooks: Option<Json<WebhookSettings>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
}

/// The item of a record.
pub fn from_stored(key: Key, stored: Stored) -> Result<Item, StoreError> {
    let mut item = RegistryItem {
        pk: key.pk,
        sk: key.sk,
        created_at_ms: stored.created_at_ms,
        updated_at_ms: stored.updated_at_ms,
        ..RegistryItem::default()
    };
    let mut sealed: Vec<(&str, Vec<u8>)> = Vec::new();
    match stored.record {
        Record::Name { environment_id, revision } => {
            item.environment_id = Some(environment_id);
            item.revision = Some(revision);
        }
        Record::SecretKey(key) => {
            item.key_id = Some(key.id);
            item.environment_id = Some(key.environment_id);
            item.name = Some(key.name);
            item.scopes = Some(key.scopes);
        }
        Record::Credential(hash) => item.key_hash = Some(hash),
        Record::Environment(settings) => {
            item.name = Some(settings.name);
            item.connect_ui = stored_connect_ui(&settings.connect_ui);
            item.allow_docs_connect_override = Some(settings.allow_docs_connect_override);
            item.ended_keys = settings.ended_keys;
            if let Some((version, ciphertext)) = settings.branch_key {
                item.branch_key_version = Some(version);
                sealed.push((BRANCH_KEY, ciphertext));
            }
            item.webhooks = settings.webhooks.map(Json);
            item.callback_url = settings.callback_url;
            sealed.extend(settings.webhook_signing_key.map(|key| (SIGNING_KEY, key)));
        }
        Record::Integration { provider, display_name, client } => {
            item.provider = Some(provider);
            item.display_name = display_name;
            if let Some(client) = client {
                item.has_client = true;
                item.client_id = client.client_id;
                item.client_scopes = client.scopes;
                sealed.extend(client.client_secret.map(|secret| (CLIENT_SECRET, secret)));
            }
        }
        Record::BranchKey { version, ciphertext } => {
            item.branch_key_version = Some(version);
            sealed.push((BRANCH_KEY, ciphertext));
        }
        Record::Provider(template) => item.template = Some(template),
    }
    let mut item: Item = to_item(item)?;
    item.extend(
        sealed.into_iter().map(|(name, bytes)| (name.to_owned(), AttributeValue::B(bytes.into()))),
    );
    Ok(item)
}

/// The record of an item.
pub fn to_stored(mut item: Item) -> Result<(Key, Stored), StoreError> {
    let mut bytes = |name| match item.remove(name) {
        Some(AttributeValue::B(bytes)) => Some(bytes.into_inner()),
        _ => None,
    };
    let (client_secret, branch_key) = (bytes(CLIENT_SECRET), bytes(BRANCH_KEY));
    let webhook_signing_key = bytes(SIGNING_KEY);
    let item: RegistryItem = from_item(item)?;
    let kind = item.sk.split('#').next().unwrap_or_default();
    let record = match (kind, item.key_id.or(item.revision), item.environment_id, item.key_hash) {
        ("NAME", Some(revision), Some(environment_id), _) => {
            Record::Name { environment_id, revision }
        }
        ("KEY", Some(id), Some(environment_id), _) => Record::SecretKey(SecretKeyRecord {
            id,
            environment_id,
            name: item.name.unwrap_or_default(),
            scopes: item.scopes.unwrap_or_default(),
        }),
        ("CREDENTIAL", _, _, Some(hash)) => Record::Credential(hash),
        ("ENV", ..) => Record::Environment(Settings {
            name: item.name.unwrap_or_default(),
            connect_ui: item.connect_ui.map(ConnectUi::from_stored).unwrap_or_default(),
            allow_docs_connect_override: item.allow_docs_connect_override.unwrap_or(true),
            ended_keys: item.ended_keys,
            branch_key: item.branch_key_version.zip(branch_key),
            webhooks: item.webhooks.map(Json::into_inner),
            webhook_signing_key,
            callback_url: item.callback_url,
        }),
        ("INTEGRATION", ..) => Record::Integration {
            provider: item.provider.unwrap_or_default(),
            display_name: item.display_name,
            client: item.has_client.then_some(IntegrationClient {
                client_id: item.client_id,
                client_secret,
                scopes: item.client_scopes,
            }),
        },
        ("BRANCHKEY", ..) => Record::BranchKey {
            version: item.branch_key_version.unwrap_or_default(),
            ciphertext: branch_key.unwrap_or_default(),
        },
        ("PROVIDER", ..) => Record::Provider(item.template.unwrap_or_default()),
        _ => return Err(StoreError::Unexpected(format!("registry item of no kind: {kind}"))),
    };
    let stored =
        Stored { record, created_at_ms: item.created_at_ms, updated_at_ms: item.updated_at_ms };
    Ok((Key { pk: item.pk, sk: item.sk }, stored))
}

/// The integration that an item is about, by its sort key.
pub fn integration_key(item: &Item) -> Option<IntegrationKey> {
    let sk = item.get("sk")?.as_s().ok()?;
    IntegrationKey::parse(sk.strip_prefix("INTEGRATION#")?)
}
