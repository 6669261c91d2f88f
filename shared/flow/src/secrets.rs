//! The secrets of a flow while the user is at the provider: the PKCE verifier, and the overrides of
//! the integration's client.
//!
//! They are sealed with a key that is derived from the flow's cookie. Only the cookie's hash is
//! stored, so only the browser that started the flow can open them.

use std::fmt;

use sealing::{Location, Purpose, TokenKey};
use serde::{Deserialize, Serialize};
use session::Error;
use session::oauth_flow::{FlowHash, FlowToken};
use tables::oauth_states::SECRETS;

use crate::overrides::Overrides;

/// The secrets of a flow. The `Debug` form shows none of them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowSecrets {
    /// `code_verifier` (RFC 7636 section 4.1), unless the provider refuses PKCE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_verifier: Option<String>,
    /// Replace the integration's client and the provider's refresh token.
    pub overrides: Overrides,
}

impl FlowSecrets {
    /// Seals the secrets for the item of a state.
    pub fn seal(&self, cookie: &FlowToken, state: &FlowHash) -> Result<Vec<u8>, Error> {
        let text = serde_json::to_vec(self).map_err(Error::internal)?;
        let key = TokenKey::new(cookie.expose(), Purpose::OauthFlow);
        key.seal(&location(state), &text).map_err(Error::internal)
    }

    /// Opens the secrets of a state.
    pub fn open(cookie: &FlowToken, state: &FlowHash, sealed: &[u8]) -> Result<Self, Error> {
        let key = TokenKey::new(cookie.expose(), Purpose::OauthFlow);
        let opened = key.open(&location(state), sealed).map_err(Error::internal)?;
        serde_json::from_slice(opened.expose())
            .map_err(|_| Error::internal("the secrets of a flow cannot be read"))
    }
}

impl fmt::Debug for FlowSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowSecrets(…)")
    }
}

fn location(state: &FlowHash) -> Location<'_> {
    Location {
        table: "sessions",
        partition_key: state.as_bytes(),
        sort_key: b"",
        attribute: SECRETS,
    }
}
