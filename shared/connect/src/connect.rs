//! The state of functions that make and open connections: DynamoDB, KMS and the client for
//! providers.

use api::lambda::Start;
use api::settings::Settings;
use api::{App, InitError};
use jiff::Timestamp;
use outbound::{AllowList, Outbound, public_roots, system_lookup};
use secrets::{AppWithVault, Secrets};
use session::environment::Environment;
use vault::Vault;

/// The state. It lives as long as the execution environment.
#[derive(Debug)]
pub struct Connect {
    /// Settings, DynamoDB, and the cache of keys, environments and integrations.
    pub app: App,
    /// Seals and opens credentials.
    pub vault: Vault,
    /// Calls providers.
    pub outbound: Outbound,
}

impl Connect {
    /// Adds clients for KMS and for providers to what the start of the process provides.
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

/// The client for providers and webhook receivers, with the allow list of the settings.
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
