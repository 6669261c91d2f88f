//! Environments: the tenants. Keys, integrations, connections and sessions belong to one each.

use uuid::Uuid;

use crate::environments::connect_ui::ConnectUi;
use crate::error::Error;

/// The settings of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Derived from the name, once.
    pub id: Uuid,
    /// How the Connect UI looks.
    pub connect_ui: ConnectUi,
    /// Whether sessions may replace documentation links.
    pub allow_docs_connect_override: bool,
}

impl Environment {
    /// Refuses to replace a documentation link where the operator forbids it.
    pub fn require_docs_override(&self, is_wanted: bool) -> Result<(), Error> {
        if is_wanted && !self.allow_docs_connect_override {
            return Err(Error::DocsOverrideForbidden);
        }
        Ok(())
    }
}
