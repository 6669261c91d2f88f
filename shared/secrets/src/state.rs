//! The state of functions that seal and open secrets: DynamoDB and KMS.

use api::lambda::Start;
use api::settings::Settings;
use api::telemetry::CountCalls;
use api::{App, InitError};
use vault::Vault;

/// The state. It lives as long as the execution environment.
#[derive(Debug)]
pub struct AppWithVault {
    /// Settings, DynamoDB, and the cache of keys, environments and integrations.
    pub app: App,
    /// Seals and opens secrets.
    pub vault: Vault,
}

impl AppWithVault {
    /// Adds a client for KMS to what the start of the process provides.
    pub fn start(start: Start) -> Result<Self, InitError> {
        let settings = &start.app.settings;
        let kms = vault::client(&start.aws, settings.kms_endpoint_url.clone(), CountCalls::Kms);
        let vault = Vault::new(kms, settings.kms_key_id.clone());
        Ok(Self { app: start.app, vault })
    }
}

impl AsRef<Settings> for AppWithVault {
    fn as_ref(&self) -> &Settings {
        &self.app.settings
    }
}
