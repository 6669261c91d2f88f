//! Connections: accounts that were connected before, which a session can reconnect.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::end_user::EndUser;
use crate::fields::{Issues, sized};
use crate::integration::IntegrationKey;

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

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The one connection that a reconnect session is for, as it stood when the session was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its integration.
    pub integration_id: IntegrationKey,
    /// Its id.
    pub connection_id: ConnectionId,
    /// The end user on record; shown by GET in place of one that the session was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<EndUser>,
}
