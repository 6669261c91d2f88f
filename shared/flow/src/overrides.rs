//! Values from a session or a browser that replace the integration's OAuth client, and the refresh
//! token that a provider issues.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const CLIENT_ID: &str = "oauth_client_id_override";
const CLIENT_SECRET: &str = "oauth_client_secret_override";
const REFRESH_TOKEN: &str = "oauth_refresh_token_override";

/// The overrides that were given. The `Debug` form shows none of them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    /// `oauth_client_id_override`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `oauth_client_secret_override`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// `oauth_refresh_token_override`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

impl Overrides {
    /// The overrides in a configuration. Empty texts do not count.
    pub fn of(config: &Map<String, Value>) -> Self {
        let text = |name| {
            let text = config.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Self {
            client_id: text(CLIENT_ID),
            client_secret: text(CLIENT_SECRET),
            refresh_token: text(REFRESH_TOKEN),
        }
    }

    /// The overrides that a browser sends as `credentials`. A refresh token without a client is
    /// ignored.
    pub fn of_browser(credentials: Option<&Map<String, Value>>) -> Self {
        let overrides = credentials.map(Self::of).unwrap_or_default();
        if overrides.client_id.is_none() && overrides.client_secret.is_none() {
            return Self::default();
        }
        overrides
    }

    /// These overrides, with missing ones taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            client_id: self.client_id.or(other.client_id),
            client_secret: self.client_secret.or(other.client_secret),
            refresh_token: self.refresh_token.or(other.refresh_token),
        }
    }

    /// Removes the secrets from a configuration, which customers and their users may read.
    pub fn take_secrets(config: &mut Map<String, Value>) {
        config.retain(|name, _| name != CLIENT_SECRET && name != REFRESH_TOKEN);
    }

    /// Removes all overrides from a configuration, since the credentials contain them.
    pub fn take_all(config: &mut Map<String, Value>) {
        Self::take_secrets(config);
        config.shift_remove(CLIENT_ID);
    }
}

impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overrides(…)")
    }
}
