//! Credentials of connections: sealed when they are written, opened when they are read.

use sealing::SealingError;
use serde_json::{Map, Value};
use session::Error;
use session::connection::ConnectionId;
use session::integration::IntegrationKey;
use session::json;
use tables::connection_item::ConnectionKey;
use vault::VaultError;

use crate::secrets::{Secrets, failure};

impl Secrets<'_> {
    /// Seals the credentials of a connection for its item.
    pub async fn seal_credentials(
        self,
        integration: &IntegrationKey,
        id: &ConnectionId,
        credentials: &Map<String, Value>,
    ) -> Result<Vec<u8>, Error> {
        let location = ConnectionKey::new(self.environment.id, integration, id);
        let location = location.credentials();
        let plaintext = serde_json::to_vec(credentials).map_err(Error::internal)?;
        let branch_key = self.newest_branch_key().await?;
        let sealed = self.vault.seal(branch_key.as_slice(), &location, &plaintext, self.now);
        sealed.await.map_err(|error| match error {
            VaultError::Sealing(SealingError::TooLong) => Error::refused(
                400,
                "invalid_credentials",
                "Credentials must be at most 65536 bytes",
            ),
            error => failure(&error),
        })
    }

    /// Opens the credentials of a connection.
    pub async fn open_credentials(
        self,
        integration: &IntegrationKey,
        id: &ConnectionId,
        sealed: &[u8],
    ) -> Result<Map<String, Value>, Error> {
        let location = ConnectionKey::new(self.environment.id, integration, id);
        let location = location.credentials();
        let branch_key = self.branch_key_of(sealed).await?;
        let opened = self.vault.open(branch_key.as_slice(), &location, sealed, self.now);
        let opened = opened.await.map_err(|error| failure(&error))?;
        let text = str::from_utf8(opened.expose()).map_err(Error::internal)?;
        match json::parse(text) {
            Ok(Value::Object(credentials)) => Ok(credentials),
            _ => Err(Error::internal("credentials are not a JSON object")),
        }
    }

    /// Fetches the branch key with which the next credentials will be sealed, so that sealing does
    /// not call KMS.
    pub async fn prepare_to_seal(self) -> Result<(), Error> {
        let branch_key = self.newest_branch_key().await?;
        let ready = self.vault.prepare(branch_key.as_slice(), self.now).await;
        ready.map_err(|error| failure(&error))
    }
}
