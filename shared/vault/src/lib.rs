//! Envelope encryption with AWS KMS. Only this crate calls KMS.
//!
//! Each environment has a **branch key** (the pattern of the AWS Encryption SDK's hierarchical
//! keyring): 32 bytes that KMS generates and encrypts, and that are stored only in encrypted form.
//! To seal or open a value, a container has KMS decrypt the branch key, keeps it in memory for at
//! most [`AGE_MAX`], and derives a key for each value from it ([`sealing`]). So a container calls
//! KMS once per environment in that time, not once per value.
//!
//! - The encryption context of KMS names the environment and the version, so a branch key that is
//!   copied to another environment does not decrypt.
//! - If the KMS key is disabled, or a policy no longer allows `kms:Decrypt`, this takes effect
//!   within [`AGE_MAX`].
//! - [`Vault::create_branch_key`] with the next number creates a new version. Values are sealed
//!   with the newest version and opened with the one that they name.
//! - Without its branch keys, all values of an environment are lost. So deleting them destroys the
//!   credentials of a removed environment, even in backups of other tables.
//!
//! A branch key in memory is zeroed when it is dropped, but the HTTP answer in which it came is
//! not, since it belongs to the SDK.
//!
//! - [`Vault`]: seals and opens.
//! - `client`: the KMS client; `kms`: the two calls; `cache`: decrypted branch keys; `error`: the
//!   errors.

mod cache;
mod client;
mod error;
mod kms;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_kms::Client;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sealing::{BranchKey, Location, Plaintext, WrappedBranchKey, branch_key_version};
use uuid::Uuid;

use cache::Cache;

pub use cache::{AGE_MAX, ENTRIES_MAX};
pub use client::client;
pub use error::VaultError;

/// Seals and opens values with the branch keys of environments. An execution environment has one,
/// which caches decrypted branch keys.
pub struct Vault {
    kms: Client,
    key_id: String,
    cache: Arc<Mutex<Cache>>,
}

impl Vault {
    /// A vault whose branch keys are encrypted by one KMS key, given by its ARN, id or alias.
    pub fn new(kms: Client, key_id: String) -> Self {
        Self { kms, key_id, cache: Arc::default() }
    }

    /// Creates a version of an environment's branch key, counted from 1. The caller must store it,
    /// on the condition that this version does not exist yet.
    pub async fn create_branch_key(
        &self,
        environment_id: Uuid,
        version: u32,
    ) -> Result<WrappedBranchKey, VaultError> {
        kms::generate(&self.kms, &self.key_id, environment_id, version).await
    }

    /// Seals a value with the newest of an environment's branch keys.
    pub async fn seal(
        &self,
        branch_keys: &[WrappedBranchKey],
        location: &Location<'_>,
        plaintext: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, VaultError> {
        let newest = branch_keys.iter().max_by_key(|key| key.version);
        let key = self.branch_key(newest.ok_or(VaultError::NoBranchKey)?, now).await?;
        Ok(key.seal(location, plaintext)?)
    }

    /// Fetches the newest of an environment's branch keys, so that sealing with it does not call
    /// KMS.
    pub async fn prepare(
        &self,
        branch_keys: &[WrappedBranchKey],
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let newest = branch_keys.iter().max_by_key(|key| key.version);
        self.branch_key(newest.ok_or(VaultError::NoBranchKey)?, now).await.map(|_| ())
    }

    /// Opens a value with the branch key that it names.
    pub async fn open(
        &self,
        branch_keys: &[WrappedBranchKey],
        location: &Location<'_>,
        sealed: &[u8],
        now: Timestamp,
    ) -> Result<Plaintext, VaultError> {
        let version = branch_key_version(sealed)?;
        let wrapped = branch_keys.iter().find(|key| key.version == version);
        let key = self.branch_key(wrapped.ok_or(VaultError::NoBranchKey)?, now).await?;
        Ok(key.open(location, sealed)?)
    }

    /// The branch key, from memory or from KMS. Concurrent callers that need the same key share one
    /// call and its outcome. A failure is not cached.
    async fn branch_key(
        &self,
        wrapped: &WrappedBranchKey,
        now: Timestamp,
    ) -> Result<Arc<BranchKey>, VaultError> {
        let call = {
            let mut cache = lock(&self.cache);
            if let Some(key) = cache.get(wrapped, now) {
                return Ok(key);
            }
            cache.call(wrapped, || self.decrypt(wrapped.clone(), now))
        };
        call.await
    }

    /// Calls KMS and caches the key, whose age counts from `now`, before the call.
    fn decrypt(
        &self,
        wrapped: WrappedBranchKey,
        now: Timestamp,
    ) -> BoxFuture<'static, Result<Arc<BranchKey>, VaultError>> {
        let (kms, key_id, cache) = (self.kms.clone(), self.key_id.clone(), self.cache.clone());
        async move {
            let key = kms::decrypt(&kms, &key_id, &wrapped).await.map(Arc::new);
            lock(&cache).finish(wrapped, key.as_ref().ok(), now);
            key
        }
        .boxed()
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

fn lock(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}
