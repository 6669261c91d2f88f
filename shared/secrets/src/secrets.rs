//! Seals and opens the secrets of an environment. Each is bound to its item and attribute.

use jiff::Timestamp;
use sealing::{WrappedBranchKey, branch_key_version};
use session::Error;
use session::environment::Environment;
use tables::Tables;
use tables::record::Key;
use vault::{Vault, VaultError};

/// Seals and opens the secrets of an environment.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a> {
    /// For branch keys that are not cached with the environment.
    pub tables: &'a Tables,
    /// Seals and opens.
    pub vault: &'a Vault,
    /// The environment.
    pub environment: &'a Environment,
    /// The current time, which decides whether a branch key in memory is too old.
    pub now: Timestamp,
}

impl Secrets<'_> {
    /// Opens a secret that an operator gave.
    pub async fn open(self, key: &Key, attribute: &str, sealed: &[u8]) -> Result<String, Error> {
        let location = key.location(attribute);
        let branch_key = self.branch_key_of(sealed).await?;
        let opened = self.vault.open(branch_key.as_slice(), &location, sealed, self.now).await;
        let opened = opened.map_err(|error| failure(&error))?;
        Ok(str::from_utf8(opened.expose()).map_err(Error::internal)?.to_owned())
    }

    /// The environment's newest branch key, as far as this container knows. If the environment was
    /// cached before it had one, the environment is read again.
    pub(crate) async fn newest_branch_key(self) -> Result<Option<WrappedBranchKey>, Error> {
        if self.environment.branch_key.is_some() {
            return Ok(self.environment.branch_key.clone());
        }
        let read = self.tables.environment(self.environment.id).await?;
        Ok(read.and_then(|environment| environment.branch_key))
    }

    /// The branch key that a sealed value names: the one that is cached with the environment, or an
    /// older or newer one, which is read.
    pub(crate) async fn branch_key_of(
        self,
        sealed: &[u8],
    ) -> Result<Option<WrappedBranchKey>, Error> {
        let version = branch_key_version(sealed).map_err(|e| failure(&VaultError::Sealing(e)))?;
        match &self.environment.branch_key {
            Some(newest) if newest.version == version => Ok(Some(newest.clone())),
            _ => Ok(self.tables.branch_key(self.environment.id, version).await?),
        }
    }
}

/// The error for a failure of the vault. If KMS is down or refuses, it is a 503: nothing was
/// written, and trying later may help.
pub(crate) fn failure(error: &VaultError) -> Error {
    match error {
        VaultError::Unavailable(cause) | VaultError::Refused(cause) => {
            Error::Unavailable(cause.clone())
        }
        VaultError::NoBranchKey => Error::internal("the environment has no such branch key"),
        VaultError::Sealing(cause) => Error::internal(cause),
    }
}
