//! Secrets that an operator gave, as the registry keeps them: sealed for the one item and attribute
//! that they stand in.

use jiff::Timestamp;
use sealing::branch_key_version;
use session::Error;
use session::environment::Environment;
use tables::record::Key;
use vault::VaultError;

use crate::connect::Connect;
use crate::credentials::failure;

impl Connect {
    /// Opens a secret of an environment.
    pub async fn open_secret(
        &self,
        environment: &Environment,
        key: &Key,
        attribute: &str,
        sealed: &[u8],
        now: Timestamp,
    ) -> Result<String, Error> {
        let location = key.location(attribute);
        let version = branch_key_version(sealed).map_err(|e| failure(&VaultError::Sealing(e)))?;
        let branch_key = self.branch_key(environment, version).await?;
        let opened = self.vault.open(branch_key.as_slice(), &location, sealed, now).await;
        let opened = opened.map_err(|error| failure(&error))?;
        Ok(str::from_utf8(opened.expose()).map_err(Error::internal)?.to_owned())
    }
}
