//! The tables that the service uses, and the client that reaches them.

use aws_sdk_dynamodb::Client;

/// The tables. The file named after each has its methods.
#[derive(Debug, Clone)]
pub struct Tables {
    pub(crate) client: Client,
    pub(crate) names: TableNames,
}

/// The names of the tables.
#[derive(Debug, Clone)]
pub struct TableNames {
    /// Sessions and OAuth flows, deleted after they have expired.
    pub sessions: String,
    /// Environments, keys and integrations.
    pub registry: String,
    /// Connections, with their sealed credentials.
    pub connections: String,
    /// Webhooks of the last month, delivered or not.
    pub events: String,
}

impl Tables {
    /// The tables of these names, reached by `client`.
    pub fn new(client: Client, names: TableNames) -> Self {
        Self { client, names }
    }
}
