//! The OAuth client of an integration, with its secret.

use std::fmt;

use jiff::Timestamp;
use sealing::{Location, branch_key_version};
use serde_json::{Map, Value};
use session::Error;
use session::environment::Environment;
use session::integration::Integration;
use tables::record::{CLIENT_SECRET, Key};
use vault::VaultError;

use crate::connect::Connect;
use crate::credentials::failure;

/// A client of a provider's authorization server.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
}

impl Client {
    /// The end user's own client, where their credentials name a whole one.
    pub fn own(credentials: &Map<String, Value>) -> Option<Self> {
        let own = credentials.get("config_override")?;
        let text = |name: &str| own.get(name)?.as_str().map(str::to_owned);
        Some(Self { id: text("client_id")?, secret: text("client_secret")? })
    }

    /// Id and secret.
    pub fn keys(&self) -> (&str, &str) {
        (&self.id, &self.secret)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Connect {
    /// The client of an integration, if it has one.
    pub async fn client(
        &self,
        environment: &Environment,
        integration: &Integration,
        now: Timestamp,
    ) -> Result<Option<Client>, Error> {
        let Some(client) = &integration.client else { return Ok(None) };
        let (Some(id), Some(sealed)) = (&client.client_id, &client.client_secret) else {
            return Ok(None);
        };
        let key = Key::integration(environment.id, &integration.key);
        let location = Location {
            table: "registry",
            partition_key: key.pk().as_bytes(),
            sort_key: key.sk().as_bytes(),
            attribute: CLIENT_SECRET,
        };
        let version = branch_key_version(sealed).map_err(|e| failure(&VaultError::Sealing(e)))?;
        let branch_key = self.branch_key(environment, version).await?;
        let opened = self.vault.open(branch_key.as_slice(), &location, sealed, now).await;
        let opened = opened.map_err(|error| failure(&error))?;
        let secret = str::from_utf8(opened.expose()).map_err(Error::internal)?.to_owned();
        Ok(Some(Client { id: id.clone(), secret }))
    }
}
