//! What secret keys open, kept in the execution environment for `REGISTRY_CACHE_SECONDS`: a warm
//! create is one call to DynamoDB. What an operator removes or changes takes at most that much longer
//! to arrive here.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use session::Error;
use session::environment::Environment;
use session::fields::Issues;
use session::integration::IntegrationKey;
use session::secret_key::{SecretKeyHash, SecretKeyRecord};
use tables::{StoreError, Tables};

/// The most keys that are kept; a container that sees more starts over.
const CACHED_KEYS_MAX: usize = 1_024;

/// How many names of integrations are looked up in one call, which is as many as one may.
const LOOKED_UP_AT_ONCE: usize = 100;

/// What a secret key opens: one environment.
#[derive(Debug)]
pub struct Grant {
    /// The key.
    pub key: SecretKeyRecord,
    /// The environment that it belongs to.
    pub environment: Environment,
    /// Integrations that the environment is known to have. Where there are many these are not all:
    /// what is missing is looked up by name.
    integrations: Mutex<HashSet<IntegrationKey>>,
}

impl Grant {
    /// Refuses names that are not integrations of the environment, all at once and in the order
    /// given. A name that is not known yet is looked up before it is refused. Once the answer is
    /// full of issues, the names that are left are not looked up.
    pub async fn require_integrations<'a>(
        &self,
        tables: &Tables,
        named: impl Iterator<Item = ([String; 2], &'a IntegrationKey)>,
    ) -> Result<(), Error> {
        let unknown: Vec<_> = named.filter(|(_, key)| !self.has(key)).collect();
        let mut issues = Issues::default();
        for some in unknown.chunks(LOOKED_UP_AT_ONCE) {
            let keys: HashSet<_> =
                some.iter().map(|(_, key)| *key).filter(|key| !self.has(key)).collect();
            if !keys.is_empty() {
                let found = tables.integrations(self.environment.id, keys.into_iter()).await?;
                lock(&self.integrations).extend(found);
            }
            for (path, _) in some.iter().filter(|(_, key)| !self.has(key)) {
                issues.push_at(&[&path[0], &path[1]], "custom", "Integration does not exist");
            }
            if issues.is_full() {
                break;
            }
        }
        issues.finish(Some(())).map_err(Error::InvalidBody)
    }

    fn has(&self, key: &IntegrationKey) -> bool {
        lock(&self.integrations).contains(key)
    }
}

/// The grants that this execution environment saw lately.
#[derive(Debug)]
pub struct Grants {
    lifetime_ms: i64,
    grants: Mutex<HashMap<SecretKeyHash, (Arc<Grant>, Timestamp)>>,
}

impl Grants {
    /// An empty cache whose entries live for `lifetime_ms`; zero turns it off.
    pub fn new(lifetime_ms: i64) -> Self {
        Self { lifetime_ms, grants: Mutex::default() }
    }

    /// What a key opens, if it is on record. An unknown key is never remembered, so a new one
    /// works at once.
    pub async fn grant(
        &self,
        tables: &Tables,
        hash: &SecretKeyHash,
        now: Timestamp,
    ) -> Result<Option<Arc<Grant>>, StoreError> {
        if let Some(grant) = self.cached(hash, now) {
            return Ok(Some(grant));
        }
        let Some(key) = tables.secret_key(hash).await? else { return Ok(None) };
        let Some((environment, integrations)) = tables.environment(key.environment_id).await?
        else {
            return Ok(None);
        };
        let integrations = Mutex::new(integrations.into_iter().collect());
        let grant = Arc::new(Grant { key, environment, integrations });
        let mut grants = lock(&self.grants);
        if grants.len() >= CACHED_KEYS_MAX {
            grants.clear();
        }
        grants.insert(hash.clone(), (Arc::clone(&grant), now));
        Ok(Some(grant))
    }

    fn cached(&self, hash: &SecretKeyHash, now: Timestamp) -> Option<Arc<Grant>> {
        let grants = lock(&self.grants);
        let (grant, seen) = grants.get(hash)?;
        let age_ms = now.as_millisecond() - seen.as_millisecond();
        (0..self.lifetime_ms).contains(&age_ms).then(|| Arc::clone(grant))
    }
}

/// A panic while the lock was held leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
