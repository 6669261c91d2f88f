//! The state that handlers need besides the request. It lives as long as the execution environment.

use tables::Tables;

use crate::grants::Grants;
use crate::settings::Settings;

/// The state that handlers need besides the request.
#[derive(Debug)]
pub struct App {
    /// The settings of the process.
    pub settings: Settings,
    /// DynamoDB.
    pub tables: Tables,
    /// The cache of keys, environments and integrations.
    pub grants: Grants,
}

impl App {
    /// An app on a DynamoDB client.
    pub fn new(settings: Settings, client: aws_sdk_dynamodb::Client) -> Self {
        let tables = Tables::new(client, settings.tables.clone());
        let grants = Grants::new(i64::from(settings.registry_cache_seconds) * 1_000);
        Self { settings, tables, grants }
    }
}

impl AsRef<Settings> for App {
    fn as_ref(&self) -> &Settings {
        &self.settings
    }
}
