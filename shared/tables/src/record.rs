//! The records of the registry table, which operators provision, and their keys, `pk` and `sk`.
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
//! nothing of a removed environment comes back with a new one of the same name.
//!
//! In one environment, `sk BETWEEN "ENV" AND "INTEGRATION$"` selects the settings and then the
//! integrations; starting from `CREDENTIAL#`, it also selects the names of its keys, which come
//! first.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use sealing::{Location, WrappedBranchKey};
use serde::{Deserialize, Serialize};
use session::connect_ui::ConnectUi;
use session::environment::Environment;
use session::integration::{IntegrationClient, IntegrationKey};
use session::secret_key::{SecretKeyHash, SecretKeyRecord};
use session::webhooks::{SigningKeys, WebhookSettings};
use uuid::Uuid;

use crate::item::Item;

/// The attribute with an integration's sealed client secret.
pub const CLIENT_SECRET: &str = "client_secret";
/// The attribute with the sealed key that signs webhooks.
pub const SIGNING_KEY: &str = "webhook_signing_key";
/// The attribute with the sealed key that will replace it.
pub const NEXT_SIGNING_KEY: &str = "next_webhook_signing_key";

/// The key of an item.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    /// The partition of the environments' names.
    pub(crate) const NAMES: &str = "NAMES";

    /// The key of a secret key's record.
    pub fn secret_key(hash: &SecretKeyHash) -> Self {
        Self { pk: format!("KEY#{}", hash.as_str()), sk: "KEY".to_owned() }
    }

    /// The key of an environment's name.
    pub fn name(name: &str) -> Self {
        Self { pk: Self::NAMES.to_owned(), sk: format!("NAME#{name}") }
    }

    /// The key of an environment's settings.
    pub fn environment(environment: Uuid) -> Self {
        Self::of_environment(environment, "ENV".to_owned())
    }

    /// The key of an integration.
    pub fn integration(environment: Uuid, key: &IntegrationKey) -> Self {
        Self::of_environment(environment, format!("INTEGRATION#{}", key.as_str()))
    }

    /// The key of the name of a secret key.
    pub fn credential(environment: Uuid, name: &str) -> Self {
        Self::of_environment(environment, format!("CREDENTIAL#{name}"))
    }

    /// The key of a version of the branch key.
    pub fn branch_key(environment: Uuid, version: u32) -> Self {
        Self::of_environment(environment, format!("BRANCHKEY#{version:010}"))
    }

    /// The key of a provider that the environment defines.
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

    /// The location of a sealed attribute of the item. It has the table's logical name, because a
    /// table that is restored from a backup has another one.
    pub fn location<'a>(&'a self, attribute: &'a str) -> Location<'a> {
        Location {
            table: "registry",
            partition_key: self.pk.as_bytes(),
            sort_key: self.sk.as_bytes(),
            attribute,
        }
    }

    /// Whether this is the key of a secret key's name.
    pub fn is_credential(&self) -> bool {
        self.sk.starts_with("CREDENTIAL#")
    }

    /// The name of the item among those of its kind: the part after the first `#`.
    pub fn label(&self) -> &str {
        self.sk.split_once('#').map_or("", |(_, label)| label)
    }

    fn of_environment(environment: Uuid, sk: String) -> Self {
        Self { pk: format!("ENV#{environment}"), sk }
    }

    /// The key in the SDK's form.
    pub fn attributes(&self) -> Item {
        let string = |text: &String| AttributeValue::S(text.clone());
        [("pk".to_owned(), string(&self.pk)), ("sk".to_owned(), string(&self.sk))].into()
    }
}

/// The content of an item, without its key.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// The environment that has a name.
    Name {
        /// Its id.
        environment_id: Uuid,
        /// A random value that each write to the environment replaces.
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
    /// The keys that webhooks are signed with, sealed.
    pub signing_keys: SigningKeys,
    /// Where providers send the browser back to, if not to this API.
    pub callback_url: Option<String>,
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
            name: self.name,
            branch_key,
            connect_ui: self.connect_ui,
            allow_docs_connect_override: self.allow_docs_connect_override,
            callback_url: self.callback_url,
            ended_keys: self.ended_keys.into_keys().collect(),
            webhooks: self.webhooks,
            signing_keys: self.signing_keys,
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
