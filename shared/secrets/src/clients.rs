//! The OAuth client of an integration, with its secret.

use std::fmt;

use serde_json::{Map, Value};
use session::Error;
use session::integration::Integration;
use tables::record::{CLIENT_SECRET, Key};

use crate::secrets::Secrets;

/// An OAuth client at a provider's authorization server.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
}

impl Client {
    /// The client in an end user's credentials, if they have both its id and its secret.
    pub fn own(credentials: &Map<String, Value>) -> Option<Self> {
        let own = credentials.get("config_override")?;
        let text = |name: &str| own.get(name)?.as_str().map(str::to_owned);
        Some(Self { id: text("client_id")?, secret: text("client_secret")? })
    }

    /// The id and the secret.
    pub fn keys(&self) -> (&str, &str) {
        (&self.id, &self.secret)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Secrets<'_> {
    /// The client of an integration, if it has one.
    pub async fn client(self, integration: &Integration) -> Result<Option<Client>, Error> {
        let Some(client) = &integration.client else { return Ok(None) };
        let (Some(id), Some(sealed)) = (&client.client_id, &client.client_secret) else {
            return Ok(None);
        };
        let key = Key::integration(self.environment.id, &integration.key);
        let secret = self.open(&key, CLIENT_SECRET, sealed).await?;
        Ok(Some(Client { id: id.clone(), secret }))
    }
}
