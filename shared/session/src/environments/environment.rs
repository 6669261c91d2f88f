//! Environments: the tenants. Keys, integrations, connections and sessions belong to one each.

use sealing::WrappedBranchKey;
use uuid::Uuid;

use crate::environments::connect_ui::ConnectUi;
use crate::environments::webhooks::{SigningKeys, WebhookSettings};
use crate::error::Error;

/// The settings of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Random, so that an environment made again under the same name has another one.
    pub id: Uuid,
    /// What people and webhooks call it.
    pub name: String,
    /// The newest version of its branch key, with which credentials are sealed.
    pub branch_key: Option<WrappedBranchKey>,
    /// How the Connect UI looks.
    pub connect_ui: ConnectUi,
    /// Whether sessions may replace documentation links.
    pub allow_docs_connect_override: bool,
    /// Where providers send the browser back to, if not to this API.
    pub callback_url: Option<String>,
    /// Secret keys, by id, that were removed together with their sessions.
    pub ended_keys: Vec<Uuid>,
    /// Where webhooks go, and which; `None` where nothing was set.
    pub webhooks: Option<WebhookSettings>,
    /// What they are signed with.
    pub signing_keys: SigningKeys,
}

impl Environment {
    /// Whether the sessions of the key with this id were ended when it was removed.
    pub fn has_ended_sessions_of(&self, key_id: Uuid) -> bool {
        self.ended_keys.contains(&key_id)
    }

    /// Refuses to replace a documentation link where the operator forbids it.
    pub fn require_docs_override(&self, is_wanted: bool) -> Result<(), Error> {
        if is_wanted && !self.allow_docs_connect_override {
            return Err(Error::DocsOverrideForbidden);
        }
        Ok(())
    }
}
