//! Credentials of connections, sealed before they are written and opened where they are read.

use jiff::Timestamp;
use sealing::{WrappedBranchKey, branch_key_version};
use serde_json::{Map, Value};
use session::Error;
use session::connection::ConnectionId;
use session::environment::Environment;
use session::integration::IntegrationKey;
use session::json;
use tables::connection_item::ConnectionKey;
use vault::VaultError;

use crate::connect::Connect;

impl Connect {
    /// Seals the credentials of a connection for the one item that they are written to.
    pub async fn seal_credentials(
        &self,
        environment: &Environment,
        integration: &IntegrationKey,
        id: &ConnectionId,
        credentials: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Vec<u8>, Error> {
        let key = ConnectionKey::new(environment.id, integration, id);
        let plaintext = serde_json::to_vec(credentials).map_err(Error::internal)?;
        let branch_key = self.newest_branch_key(environment).await?;
        self.vault.seal(branch_key.as_slice(), &key.credentials(), &plaintext, now).await.map_err(
            |error| match error {
                VaultError::Sealing(sealing::SealingError::TooLong) => Error::refused(
                    400,
                    "invalid_credentials",
                    "Credentials must be at most 65536 bytes",
                ),
                error => failure(&error),
            },
        )
    }

    /// Opens the credentials of a connection.
    pub async fn open_credentials(
        &self,
        environment: &Environment,
        integration: &IntegrationKey,
        id: &ConnectionId,
        sealed: &[u8],
        now: Timestamp,
    ) -> Result<Map<String, Value>, Error> {
        let key = ConnectionKey::new(environment.id, integration, id);
        let version = branch_key_version(sealed).map_err(|e| failure(&VaultError::Sealing(e)))?;
        let branch_key = self.branch_key(environment, version).await?;
        let opened = self
            .vault
            .open(branch_key.as_slice(), &key.credentials(), sealed, now)
            .await
            .map_err(|error| failure(&error))?;
        let text = str::from_utf8(opened.expose()).map_err(Error::internal)?;
        match json::parse(text) {
            Ok(Value::Object(credentials)) => Ok(credentials),
            _ => Err(Error::internal("credentials are not a JSON object")),
        }
    }

    /// Has the branch key at hand with which the next credentials will be sealed.
    pub async fn prepare_to_seal(
        &self,
        environment: &Environment,
        now: Timestamp,
    ) -> Result<(), Error> {
        let branch_key = self.newest_branch_key(environment).await?;
        self.vault.prepare(branch_key.as_slice(), now).await.map_err(|error| failure(&error))
    }

    /// The environment's newest branch key, as far as this container knows. One that was made after
    /// the environment was cached is read.
    async fn newest_branch_key(
        &self,
        environment: &Environment,
    ) -> Result<Option<WrappedBranchKey>, Error> {
        if environment.branch_key.is_some() {
            return Ok(environment.branch_key.clone());
        }
        let read = self.app.tables.environment(environment.id).await?;
        Ok(read.and_then(|environment| environment.branch_key))
    }

    /// The branch key of a version: the one that is cached with the environment, or another, which
    /// is read: an older one, or one that was made since.
    pub(crate) async fn branch_key(
        &self,
        environment: &Environment,
        version: u32,
    ) -> Result<Option<WrappedBranchKey>, Error> {
        match &environment.branch_key {
            Some(newest) if newest.version == version => Ok(Some(newest.clone())),
            _ => Ok(self.app.tables.branch_key(environment.id, version).await?),
        }
    }
}

/// KMS that is down or refuses is a 503: nothing was written, and trying later may help.
pub fn failure(error: &VaultError) -> Error {
    match error {
        VaultError::Unavailable(cause) | VaultError::Refused(cause) => {
            Error::Unavailable(cause.clone())
        }
        VaultError::NoBranchKey => Error::internal("the environment has no such branch key"),
        VaultError::Sealing(cause) => Error::internal(cause),
    }
}
