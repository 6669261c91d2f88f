//! Connections: accounts that an end user has connected.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::connections::end_user::EndUser;
use crate::connections::refresh::RefreshState;
use crate::connections::tags::Tags;
use crate::environments::integration::IntegrationKey;
use crate::input::fields::{Issues, sized};

/// The id of a connection; unique in its integration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(String);

impl ConnectionId {
    const LENGTH_MAX: usize = 255;
    const PATTERN: &str = r#"/^[a-zA-Z0-9,.;:=+~[\]|@${}"'\\/_ -]+$/"#;

    /// Reads an id: e-mails and stringified JSON are allowed, an empty one is not.
    pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || br#",.;:=+~[]|@${}"'\/_ -"#.contains(&b);
        let id = sized(value, issues, 0..=Self::LENGTH_MAX, |text, issues| {
            if text.is_empty() || !text.bytes().all(allowed) {
                let message = format!("Invalid string: must match pattern {}", Self::PATTERN);
                issues.push("invalid_format", message);
            }
        })?;
        Some(Self(id))
    }

    /// The id, if `text` is one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut issues = Issues::default();
        let id = Self::read(Some(Value::String(text.to_owned())), &mut issues);
        issues.finish(id).ok()
    }

    /// A new id.
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An account that an end user has connected, with sealed credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// A random number that never changes: the contract's `id`.
    pub number: u64,
    /// Its id; unique in its integration.
    pub connection_id: ConnectionId,
    /// Its integration.
    pub integration_id: IntegrationKey,
    /// The provider of that integration when the connection was made.
    pub provider: String,
    /// The person who connected the account.
    pub end_user: Option<EndUser>,
    /// The customer's tags.
    pub tags: Tags,
    /// The customer's metadata; `None` is shown as `null`.
    pub metadata: Option<Map<String, Value>>,
    /// Values for the provider's template.
    pub connection_config: Map<String, Value>,
    /// The receiver of its webhooks, if not those of the environment.
    pub webhook_url_override: Option<String>,
    /// When it was first created, to the millisecond.
    pub created_at: Timestamp,
    /// When its credentials last changed, to the millisecond.
    pub updated_at: Timestamp,
    /// The credentials, sealed with the environment's branch key; `None` if it has none.
    pub credentials: Option<Vec<u8>>,
    /// The state of refreshing.
    pub refresh: RefreshState,
}

impl Connection {
    /// A number for a new connection: 53 random bits, so that every JSON parser can represent it.
    pub fn random_number() -> Result<u64, getrandom::Error> {
        let mut random = [0; 8];
        getrandom::fill(&mut random)?;
        Ok(u64::from_be_bytes(random) >> 11)
    }
}
