//! The webhooks of an environment: receivers, events and signing keys.

use serde::{Deserialize, Serialize};

/// The receivers, and which webhooks they get.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the contract")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    /// The first receiver.
    pub primary_url: Option<String>,
    /// The second receiver.
    pub secondary_url: Option<String>,
    /// Whether there are webhooks for new connections, and for attempts that failed.
    pub on_auth_creation: bool,
    /// Whether there are webhooks for failed refreshes.
    pub on_auth_refresh_error: bool,
    /// Whether there are webhooks for deleted connections.
    pub on_connection_deletion: bool,
    /// Whether the older signature header is sent as well.
    pub legacy_signature: bool,
}

impl Default for WebhookSettings {
    /// By default a receiver gets webhooks for new connections and failed refreshes.
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

/// The keys that sign webhooks, sealed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigningKeys {
    /// The key in use; `None` if webhooks were never set up.
    pub current: Option<Vec<u8>>,
    /// The key that will replace it. While there is one, both sign.
    pub next: Option<Vec<u8>>,
}
