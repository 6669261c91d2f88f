//! Environments, which are the tenants. Each key, integration, connection and session belongs to
//! one.

use sealing::WrappedBranchKey;
use uuid::Uuid;

use crate::environments::connect_ui::ConnectUi;
use crate::environments::webhooks::{SigningKeys, WebhookSettings};
use crate::error::Error;

/// The settings of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// A random id, so that a new environment with the same name has another one.
    pub id: Uuid,
    /// Its name, for people and in webhooks.
    pub name: String,
    /// The newest version of its branch key, with which credentials are sealed.
    pub branch_key: Option<WrappedBranchKey>,
    /// The look of the Connect UI.
    pub connect_ui: ConnectUi,
    /// Whether sessions may replace documentation links.
    pub allow_docs_connect_override: bool,
    /// The URL to which providers send the browser back, if not to this API.
    pub callback_url: Option<String>,
    /// The ids of secret keys that were removed together with their sessions.
    pub ended_keys: Vec<Uuid>,
    /// The webhook settings; `None` if they were never set.
    pub webhooks: Option<WebhookSettings>,
    /// The keys that sign webhooks.
    pub signing_keys: SigningKeys,
}

impl Environment {
    /// Whether a key with this id was removed together with its sessions.
    pub fn has_ended_sessions_of(&self, key_id: Uuid) -> bool {
        self.ended_keys.contains(&key_id)
    }

    /// Refuses to replace a documentation link if the operator forbids it.
    pub fn require_docs_override(&self, is_wanted: bool) -> Result<(), Error> {
        if is_wanted && !self.allow_docs_connect_override {
            return Err(Error::DocsOverrideForbidden);
        }
        Ok(())
    }
}
