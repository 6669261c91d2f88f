//! A cache of secret keys, environments and integrations. With it a warm create or GET is one call
//! to DynamoDB, and connecting or starting an OAuth flow is two. Entries live for
//! `REGISTRY_CACHE_SECONDS`, so a change by an operator (of keys, integrations, settings, or
//! environments with their sessions) may take that much longer to have an effect in a container.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use session::Error;
use session::environment::Environment;
use session::fields::Issues;
use session::integration::{Integration, IntegrationKey};
use session::secret_key::{SecretKeyHash, SecretKeyRecord};
use tables::{StoreError, Tables};
use uuid::Uuid;

/// The most entries of each kind: keys, environments and integrations. When there are more, the
/// cache is emptied.
const CACHED_MAX: usize = 1_024;

/// How many names of integrations are looked up in one BatchGetItem (AWS service quotas).
const LOOKED_UP_AT_ONCE: usize = 100;

/// A secret key and the environment that it opens.
#[derive(Debug)]
pub struct Grant {
    /// The key.
    pub key: Arc<SecretKeyRecord>,
    /// The environment that it belongs to.
    pub environment: Arc<Environment>,
    integrations: Arc<Integrations>,
}

/// Integrations that an environment is known to have. If it has many, these are not all of them:
/// the others are looked up by name.
type Integrations = Mutex<HashSet<IntegrationKey>>;

impl Grant {
    /// Refuses names that are not integrations of the environment, with an issue for each, in the
    /// order given. A name that is not cached is looked up before it is refused. When the list of
    /// issues is full, the remaining names are not looked up.
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

/// The cache: keys, environments and integrations that this execution environment has read.
#[derive(Debug)]
pub struct Grants {
    keys: Cache<SecretKeyHash, Arc<SecretKeyRecord>>,
    environments: Cache<Uuid, (Arc<Environment>, Arc<Integrations>)>,
    integrations: Cache<(Uuid, IntegrationKey), Arc<Integration>>,
}

impl Grants {
    /// An empty cache whose entries live for `lifetime_ms`; zero turns it off.
    pub fn new(lifetime_ms: i64) -> Self {
        Self {
            keys: Cache::new(lifetime_ms),
            environments: Cache::new(lifetime_ms),
            integrations: Cache::new(lifetime_ms),
        }
    }

    /// The grant of a key, if the key exists. Unknown keys are not cached, so a new one works at
    /// once.
    pub async fn grant(
        &self,
        tables: &Tables,
        hash: &SecretKeyHash,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let key = if let Some(key) = self.keys.get(hash, now) {
            key
        } else {
            let Some(key) = tables.secret_key(hash).await? else { return Ok(None) };
            self.keys.put(hash.clone(), Arc::new(key), now)
        };
        let id = key.environment_id;
        let (environment, integrations) = if let Some(known) = self.environments.get(&id, now) {
            known
        } else {
            let read = tables.environment_with_integrations(id).await?;
            let Some((environment, integrations)) = read else { return Ok(None) };
            let integrations = Mutex::new(integrations.into_iter().collect());
            self.environments.put(id, (Arc::new(environment), Arc::new(integrations)), now)
        };
        Ok(Some(Grant { key, environment, integrations }))
    }

    /// The environment of a session, if it still exists.
    pub async fn environment(
        &self,
        tables: &Tables,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Arc<Environment>>, StoreError> {
        if let Some((environment, _)) = self.environments.get(&id, now) {
            return Ok(Some(environment));
        }
        let Some(environment) = tables.environment(id).await? else { return Ok(None) };
        let known = (Arc::new(environment), Arc::default());
        Ok(Some(self.environments.put(id, known, now).0))
    }

    /// An integration of an environment; it may be out of date. [`Tables::create_connection`]
    /// checks that it still exists when a connection is written. Unknown integrations are not
    /// cached, so a new one works at once.
    pub async fn integration(
        &self,
        tables: &Tables,
        environment: Uuid,
        key: &IntegrationKey,
        now: Timestamp,
    ) -> Result<Option<Arc<Integration>>, StoreError> {
        let id = (environment, key.clone());
        if let Some(integration) = self.integrations.get(&id, now) {
            return Ok(Some(integration));
        }
        let integration = tables.integration(environment, key).await?;
        Ok(integration.map(|integration| self.integrations.put(id, Arc::new(integration), now)))
    }
}

/// Values, each with the time at which it was read.
#[derive(Debug)]
struct Cache<K, V> {
    lifetime_ms: i64,
    entries: Mutex<HashMap<K, (V, Timestamp)>>,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    fn new(lifetime_ms: i64) -> Self {
        Self { lifetime_ms, entries: Mutex::default() }
    }

    fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = lock(&self.entries);
        let (value, read_at) = entries.get(key)?;
        let age_ms = now.as_millisecond() - read_at.as_millisecond();
        (0..self.lifetime_ms).contains(&age_ms).then(|| value.clone())
    }

    /// Stores a value, and returns it.
    fn put(&self, key: K, value: V, now: Timestamp) -> V {
        let mut entries = lock(&self.entries);
        if entries.len() >= CACHED_MAX {
            entries.clear();
        }
        entries.insert(key, (value.clone(), now));
        value
    }
}

/// Locks even if a panic has poisoned the mutex: no change under it can be left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
