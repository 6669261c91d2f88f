//! Seals secrets with the environment's branch key before they are written.

use sealing::{SealingError, WrappedBranchKey, branch_key_version};
use tables::record::Key;
use vault::VaultError;

use crate::planner::Planner;
use crate::report::{Cause, Failure};

impl Planner<'_> {
    /// The sealed secret: the stored bytes if they contain this secret already, otherwise new ones.
    pub async fn sealed(
        &self,
        key: &Key,
        attribute: &str,
        secret: &str,
        stored: Option<&Vec<u8>>,
    ) -> Result<Vec<u8>, Failure> {
        let location = key.location(attribute);
        if let Some(stored) = stored {
            let branch_key = self.branch_key(stored).await?;
            let opened = self.vault.open(&branch_key, &location, stored, self.now).await;
            if opened.map_err(failure)?.expose() == secret.as_bytes() {
                return Ok(stored.clone());
            }
        }
        let branch_key: Vec<_> = self.newest_branch_key().into_iter().collect();
        let sealed = self.vault.seal(&branch_key, &location, secret.as_bytes(), self.now).await;
        sealed.map_err(failure)
    }

    /// Opens a sealed secret.
    pub async fn opened(
        &self,
        key: &Key,
        attribute: &str,
        sealed: &[u8],
    ) -> Result<String, Failure> {
        let location = key.location(attribute);
        let branch_key = self.branch_key(sealed).await?;
        let opened = self.vault.open(&branch_key, &location, sealed, self.now).await;
        let opened = opened.map_err(failure)?;
        let text = String::from_utf8(opened.expose().to_vec());
        text.map_err(|_| failure(VaultError::Sealing(SealingError::Corrupt)))
    }

    /// The branch key that a sealed value names.
    async fn branch_key(&self, sealed: &[u8]) -> Result<Vec<WrappedBranchKey>, Failure> {
        let version = branch_key_version(sealed).map_err(VaultError::Sealing).map_err(failure)?;
        let newest = self.newest_branch_key();
        if newest.as_ref().is_some_and(|newest| newest.version == version) {
            return Ok(newest.into_iter().collect());
        }
        let older = self.tables.branch_key(self.id(), version).await?;
        Ok(older.into_iter().collect())
    }

    fn newest_branch_key(&self) -> Option<WrappedBranchKey> {
        let (version, ciphertext) = self.settings.branch_key.clone()?;
        Some(WrappedBranchKey { environment_id: self.id(), version, ciphertext })
    }
}

/// A failure of KMS or of sealing, before anything was written.
pub fn failure(error: VaultError) -> Failure {
    Failure::before_writing(match error {
        VaultError::Unavailable(cause) | VaultError::Refused(cause) => Cause::Kms(cause),
        VaultError::NoBranchKey => Cause::Kms("the environment has no such branch key".to_owned()),
        VaultError::Sealing(SealingError::TooLong) => Cause::Kms("a secret is too long".to_owned()),
        VaultError::Sealing(error) => Cause::Kms(error.to_string()),
    })
}
