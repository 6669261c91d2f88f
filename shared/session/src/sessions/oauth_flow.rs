//! An OAuth flow between its start, which sends the browser to the provider, and the callback that
//! brings it back (RFC 6749 section 4.1).
//!
//! A flow has two random values: its `state`, which goes to the provider and back, and the value of
//! a cookie, which stays in the browser that started the flow. Only their hashes are stored.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::connections::connection::ConnectionId;
use crate::connections::end_user::EndUser;
use crate::connections::tags::Tags;
use crate::environments::integration::IntegrationKey;
use crate::input::json;
use crate::sessions::token::TokenHash;

/// How long a flow may take, from its start to its callback, in milliseconds: an hour.
pub const FLOW_LIFETIME_MS: i64 = 3_600_000;

/// The most outcomes that a session remembers.
pub const OUTCOMES_MAX: usize = 20;

/// 256 random bits as base64url: the `state` of a flow, or the value of its cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct FlowToken(String);

impl FlowToken {
    const LENGTH: usize = 43;

    /// Draws a new one from the operating system.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(random)))
    }

    /// Reads a token. `None` if `text` does not have the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let is_token = text.len() == Self::LENGTH && text.bytes().all(allowed);
        is_token.then(|| Self(text.to_owned()))
    }

    /// The hash, which is stored instead of the token.
    pub fn hash(&self) -> FlowHash {
        FlowHash(Sha256::digest(&self.0).into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FlowToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowToken(…)")
    }
}

/// SHA-256 of a [`FlowToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowHash([u8; 32]);

impl FlowHash {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a callback needs from its start: everything that the session says about the connection,
/// since the session may expire while the user is at the provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OauthFlow {
    /// The connection that will be made.
    pub draft: Draft,
    /// The values for the provider's template; `None` if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "json::object")]
    pub connection_config: Option<Map<String, Value>>,
    /// The redirect URI of the authorization request, which the token request must repeat.
    pub redirect_uri: String,
    /// The websocket client that receives the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ws_client_id: Option<String>,
}

/// A connection that is about to be made with a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The session.
    pub session: TokenHash,
    /// Its environment.
    pub environment_id: Uuid,
    /// The integration that is connected.
    pub integration: IntegrationKey,
    /// The id of the connection: a new one, or that of the connection that is reconnected.
    pub connection_id: ConnectionId,
    /// Whether an existing connection is reconnected.
    pub is_reconnect: bool,
    /// The session's tags.
    pub tags: Tags,
    /// The session's end user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<EndUser>,
    /// The receiver of the connection's webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url_override: Option<String>,
}

/// How a flow ended, for its callback page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowEnd {
    /// The connection was made.
    Connected,
    /// The connection was not made.
    Failed {
        /// The type of the error, such as `callback_err`.
        error_type: String,
        /// The text for the page's opener.
        message: String,
    },
}

/// How an attempt to connect ended, as it is stored with the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The integration.
    pub provider_config_key: String,
    /// The connection that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The type of the error, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it ended, to the millisecond.
    pub at: String,
}

impl Outcome {
    /// The outcome of an attempt that made a connection.
    pub fn connected(draft: &Draft, now: Timestamp) -> Self {
        Self {
            provider_config_key: draft.integration.as_str().to_owned(),
            connection_id: Some(draft.connection_id.as_str().to_owned()),
            error: None,
            at: format!("{now:.3}"),
        }
    }

    /// The outcome of an attempt that failed.
    pub fn failed(integration: &str, error_type: &str, now: Timestamp) -> Self {
        Self {
            provider_config_key: integration.to_owned(),
            connection_id: None,
            error: Some(error_type.to_owned()),
            at: format!("{now:.3}"),
        }
    }
}
