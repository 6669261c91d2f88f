//! Integrations: the accounts that can be connected, and a session's settings for each.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::input::fields::{Fields, Issues, record, sized, string};
use crate::input::json;

/// The `unique_key` of an integration in its environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntegrationKey(String);

impl IntegrationKey {
    const LENGTH_MAX: usize = 255;
    const PATTERN: &str = "/^[a-zA-Z0-9~:.@ _-]+$/";

    /// Reads a key that is a value of a body or a query.
    pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Self> {
        let key = sized(value, issues, 0..=Self::LENGTH_MAX, |text, issues| {
            if !Self::matches_pattern(text) {
                let message = format!("Invalid string: must match pattern {}", Self::PATTERN);
                issues.push("invalid_format", message);
            }
        })?;
        Some(Self(key))
    }

    /// The key, if `text` is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_key = Self::matches_pattern(text) && text.len() <= Self::LENGTH_MAX;
        is_key.then(|| Self(text.to_owned()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn matches_pattern(text: &str) -> bool {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"~:.@ _-".contains(&b);
        !text.is_empty() && text.bytes().all(allowed)
    }
}

/// An account that the end users of an environment can connect.
#[derive(Debug, Clone, PartialEq)]
pub struct Integration {
    /// Its key.
    pub key: IntegrationKey,
    /// The name of its provider.
    pub provider: String,
    /// The name that people see, if not the provider's name.
    pub display_name: Option<String>,
    /// The operator's client at the provider, for auth modes that need one.
    pub client: Option<IntegrationClient>,
    /// When it was created, to the millisecond.
    pub created_at: Timestamp,
    /// When it was last changed, to the millisecond.
    pub updated_at: Timestamp,
}

/// An operator's client at a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntegrationClient {
    /// `client_id`.
    pub client_id: Option<String>,
    /// `client_secret`, sealed with the environment's branch key.
    pub client_secret: Option<Vec<u8>>,
    /// The scopes to request, separated by commas.
    pub scopes: Option<String>,
}

/// A map with one entry per integration, in the order sent.
pub type PerIntegration<T> = IndexMap<IntegrationKey, T>;

/// Reads a map with one entry per integration.
pub fn per_integration<T>(
    value: Option<Value>,
    issues: &mut Issues,
    read: impl Fn(Option<Value>, &mut Issues) -> Option<T>,
) -> Option<PerIntegration<T>> {
    record(value, issues, IntegrationKey::parse, read)
}

/// A session's defaults for the connection of one integration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfigDefaults {
    /// Scopes of the user's own token (Slack). Never shown to the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_scopes: Option<String>,
    /// Values that prefill the provider's form, of any form.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "json::object")]
    pub connection_config: Option<Map<String, Value>>,
    /// Parameters of the provider's authorization URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_params: Option<IndexMap<String, String>>,
}

impl ConfigDefaults {
    /// Reads an entry of `integrations_config_defaults`.
    pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Self> {
        let mut fields = Fields::of(value, issues)?;
        let user_scopes = fields.optional("user_scopes", string);
        let authorization_params = fields.optional("authorization_params", |value, issues| {
            record(value, issues, |key| Some(key.to_owned()), string)
        });
        let connection_config = fields.optional("connection_config", connection_config);
        fields.finish();
        Some(Self { user_scopes, connection_config, authorization_params })
    }
}

/// Any object. Only `oauth_scopes_override` is checked.
fn connection_config(value: Option<Value>, issues: &mut Issues) -> Option<Map<String, Value>> {
    if let Some(scopes) = value.as_ref().and_then(|config| config.get("oauth_scopes_override")) {
        let scopes = scopes.clone();
        issues.within("oauth_scopes_override", |issues| string(Some(scopes), issues));
    }
    let mut config = Fields::of(value, issues)?.rest();
    config.shift_remove("__proto__");
    Some(config)
}

/// What the Connect UI shows instead of an integration's own texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The link behind "help".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs_connect: Option<String>,
}

impl Override {
    /// Reads an entry of `overrides`. Unlike all other objects, it may have unknown keys, which are
    /// dropped.
    pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Self> {
        let mut fields = Fields::of(value, issues)?;
        Some(Self { docs_connect: fields.optional("docs_connect", string) })
    }
}
