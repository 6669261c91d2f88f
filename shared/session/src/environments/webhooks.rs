//! An environment's webhooks: where they go, which are sent, and what signs them.

use serde::{Deserialize, Serialize};

/// Where webhooks go, and which.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the contract")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    /// The first receiver.
    pub primary_url: Option<String>,
    /// The second receiver.
    pub secondary_url: Option<String>,
    /// Whether new connections are announced, and those that failed.
    pub on_auth_creation: bool,
    /// Whether failed refreshes are announced.
    pub on_auth_refresh_error: bool,
    /// Whether deleted connections are announced.
    pub on_connection_deletion: bool,
    /// Whether the older signature header is sent as well.
    pub legacy_signature: bool,
}

impl Default for WebhookSettings {
    /// As soon as there is a receiver, it is told of new connections and of failed refreshes.
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

impl WebhookSettings {
    /// The receivers of the environment, each once.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        let secondary = self.secondary_url.as_ref();
        let secondary = secondary.filter(|url| self.primary_url.as_ref() != Some(url));
        self.primary_url.iter().chain(secondary).map(String::as_str)
    }
}

/// The keys that webhooks are signed with, sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigningKeys {
    /// The key. An environment whose webhooks were never set up has none.
    pub current: Option<Vec<u8>>,
    /// The key that is to take its place: until then both sign.
    pub next: Option<Vec<u8>>,
}
