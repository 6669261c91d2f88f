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

    /// A new id, of an account that was never connected before.
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An account that an end user has connected: what its customer reads, and sealed credentials.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// A random number that never changes: `id` of the wire.
    pub number: u64,
    /// Its id; unique in its integration.
    pub connection_id: ConnectionId,
    /// Its integration.
    pub integration_id: IntegrationKey,
    /// The provider of that integration when the connection was made.
    pub provider: String,
    /// Whose account it is.
    pub end_user: Option<EndUser>,
    /// What the customer attached.
    pub tags: Tags,
    /// The customer's own notes; `None` prints `null`.
    pub metadata: Option<Map<String, Value>>,
    /// Values that the provider's templates need.
    pub connection_config: Map<String, Value>,
    /// Where its webhooks go, if not where the environment's go.
    pub webhook_url_override: Option<String>,
    /// When it was first made, to the millisecond.
    pub created_at: Timestamp,
    /// When its credentials last changed, to the millisecond.
    pub updated_at: Timestamp,
    /// The credentials, sealed with the environment's branch key; `None` where there are none.
    pub credentials: Option<Vec<u8>>,
    /// When and how they are renewed.
    pub refresh: RefreshState,
}

impl Connection {
    /// A number for a new connection: 53 random bits, so that every JSON reader keeps it.
    pub fn random_number() -> Result<u64, getrandom::Error> {
        let mut random = [0; 8];
        getrandom::fill(&mut random)?;
        Ok(u64::from_be_bytes(random) >> 11)
    }
}
