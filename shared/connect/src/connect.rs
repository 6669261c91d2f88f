//! What functions need that make and open connections: DynamoDB, KMS and the outside.

use api::lambda::Start;
use api::settings::Settings;
use api::telemetry::CountCalls;
use api::{App, InitError};
use outbound::{AllowList, Outbound, public_roots, system_lookup};
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
        let settings = &start.app.settings;
        let kms = vault::client(&start.aws, settings.kms_endpoint_url.clone(), CountCalls::Kms);
        let vault = Vault::new(kms, settings.kms_key_id.clone());
        let outbound = outbound(settings)?;
        Ok(Self { app: start.app, vault, outbound })
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
