//! Connections: accounts that an end user has connected.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
