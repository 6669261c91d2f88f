//! What functions need that make and open connections: DynamoDB, KMS and the outside.

use api::lambda::Start;
use api::settings::Settings;
use api::{App, InitError};
use jiff::Timestamp;
use outbound::{AllowList, Outbound, public_roots, system_lookup};
use secrets::{AppWithVault, Secrets};
use session::environment::Environment;
use vault::Vault;

/// One lives as long as its execution environment.
#[derive(Debug)]
pub struct Connect {
    /// Settings, DynamoDB, and the keys, environments and integrations seen lately.
    pub app: App,
    /// Seals and opens credentials.
    pub vault: Vault,
    /// Calls providers.
    pub outbound: Outbound,
}

impl Connect {
    /// What a start has made, and a client of KMS and one of the outside.
    pub fn start(start: Start) -> Result<Self, InitError> {
        let AppWithVault { app, vault } = AppWithVault::start(start)?;
        let outbound = outbound(&app.settings)?;
        Ok(Self { app, vault, outbound })
    }

    /// The secrets of an environment.
    pub fn secrets<'a>(&'a self, environment: &'a Environment, now: Timestamp) -> Secrets<'a> {
        Secrets { tables: &self.app.tables, vault: &self.vault, environment, now }
    }
}

/// The client of the outside that the settings describe.
pub fn outbound(settings: &Settings) -> Result<Outbound, InitError> {
    let allow: AllowList = settings
        .outbound_allow
        .parse()
        .map_err(|problem| InitError::new(format!("OUTBOUND_ALLOW: {problem}")))?;
    Outbound::new(allow, public_roots(), system_lookup())
        .map_err(|error| InitError::new(format!("no TLS: {error}")))
}

impl AsRef<Settings> for Connect {
    fn as_ref(&self) -> &Settings {
        &self.app.settings
    }
}
