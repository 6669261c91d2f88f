//! Records of the registry as items, both directions side by side.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use session::connect_ui::ConnectUi;
use session::integration::{IntegrationClient, IntegrationKey};
use session::secret_key::{SecretKeyHash, SecretKeyRecord};
use session::webhooks::{SigningKeys, WebhookSettings};
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::{Item, Json};
use crate::record::{CLIENT_SECRET, Key, NEXT_SIGNING_KEY, Record, SIGNING_KEY, Settings, Stored};
use crate::session_item::stored_connect_ui;

/// The attribute with a branch key, encrypted by KMS.
const BRANCH_KEY: &str = "branch_key";

/// The stored form. The key determines which fields are present.
#[derive(Default, Serialize, Deserialize)]
struct RegistryItem {
    pk: String,
    sk: String,
    #[serde(default)]
    created_at_ms: i64,
    #[serde(default)]
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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    ended_keys: BTreeMap<Uuid, i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
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
            let SigningKeys { current, next } = settings.signing_keys;
            sealed.extend(current.map(|key| (SIGNING_KEY, key)));
            sealed.extend(next.map(|key| (NEXT_SIGNING_KEY, key)));
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
    let signing_keys = SigningKeys { current: bytes(SIGNING_KEY), next: bytes(NEXT_SIGNING_KEY) };
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
            signing_keys,
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
        _ => return Err(StoreError::Unexpected("a registry item of unknown kind".to_owned())),
    };
    let stored =
        Stored { record, created_at_ms: item.created_at_ms, updated_at_ms: item.updated_at_ms };
    Ok((Key { pk: item.pk, sk: item.sk }, stored))
}

/// The integration in an item's sort key.
pub fn integration_key(item: &Item) -> Option<IntegrationKey> {
    let sk = item.get("sk")?.as_s().ok()?;
    IntegrationKey::parse(sk.strip_prefix("INTEGRATION#")?)
}

/// The approximate size of a value in bytes (AWS, "DynamoDB item sizes and formats").
pub fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(|value| 1 + size(value)).sum(),
        AttributeValue::M(values) => {
            values.iter().map(|(key, value)| 1 + key.len() + size(value)).sum()
        }
        _ => 1,
    }
}
