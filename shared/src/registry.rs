//! What an operator set up: environments, with their secret keys, integrations and connections.
//!
//! A key and what it opens are kept in the execution environment for `REGISTRY_CACHE_SECONDS`, so
//! a warm create is one call to DynamoDB, and a revoked key works at most that much longer.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::Timestamp;
use crate::connect_ui::ConnectUi;
use crate::error::{Error, REQUIRED_SCOPE};
use crate::fields::Issues;
use crate::integration::IntegrationKey;
use crate::secret_key::SecretKeyHash;
use crate::store::{Store, StoreError};

/// The most keys that are kept; a container that sees more starts over.
const CACHED_KEYS_MAX: usize = 1_024;

/// How many names of integrations are looked up in one call, which is as many as one may.
const LOOKED_UP_AT_ONCE: usize = 100;

/// A secret key on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKeyRecord {
    /// Names the key in logs and on sessions.
    pub id: Uuid,
    /// The environment that the key belongs to.
    pub environment_id: Uuid,
    /// The operator's name for the key; unique in its environment.
    pub name: String,
    /// What the key may do.
    pub scopes: Vec<String>,
}

impl SecretKeyRecord {
    /// Whether the key has the scope that the two POST endpoints need, or a wildcard that covers
    /// it: a prefix of the scope that ends in `:*`.
    pub fn may_write_sessions(&self) -> bool {
        self.scopes.iter().any(|scope| {
            scope == REQUIRED_SCOPE
                || scope.strip_suffix('*').is_some_and(|prefix| {
                    prefix.ends_with(':') && REQUIRED_SCOPE.starts_with(prefix)
                })
        })
    }
}

/// A tenant: the settings of one environment and the integrations that it is known to have.
#[derive(Debug)]
pub struct Environment {
    /// Derived from the name, once.
    pub id: Uuid,
    /// How the Connect UI looks.
    pub connect_ui: ConnectUi,
    /// Whether sessions may replace documentation links.
    pub allow_docs_connect_override: bool,
    /// Not all of them where there are many: what is missing is looked up by name.
    pub integrations: Mutex<HashSet<IntegrationKey>>,
}

impl Environment {
    /// Refuses names that are not integrations of this environment, all at once and in the order
    /// given. Names that are not known yet are looked up before they are refused, as many as can
    /// make a difference to the answer.
    pub async fn require_integrations<'a>(
        &self,
        store: &Store,
        named: impl Iterator<Item = ([String; 2], &'a IntegrationKey)>,
    ) -> Result<(), Error> {
        let unknown: Vec<_> = named.filter(|(_, key)| !self.has(key)).collect();
        let mut issues = Issues::default();
        for some in unknown.chunks(LOOKED_UP_AT_ONCE) {
            let keys: HashSet<_> =
                some.iter().map(|(_, key)| *key).filter(|key| !self.has(key)).collect();
            if !keys.is_empty() {
                let found = store.integrations(self.id, keys.into_iter()).await?;
                self.lock().extend(found);
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

    /// Refuses to replace a documentation link where the operator forbids it.
    pub fn require_docs_override(&self, is_wanted: bool) -> Result<(), Error> {
        if is_wanted && !self.allow_docs_connect_override {
            return Err(Error::DocsOverrideForbidden);
        }
        Ok(())
    }

    fn has(&self, key: &IntegrationKey) -> bool {
        self.lock().contains(key)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<IntegrationKey>> {
        self.integrations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a secret key opens.
#[derive(Debug)]
pub struct Grant {
    /// The key's id.
    pub key_id: Uuid,
    /// Whether the key may make sessions.
    pub may_write_sessions: bool,
    /// The one environment that it belongs to.
    pub environment: Environment,
}

/// The registry as this execution environment last saw it.
#[derive(Debug)]
pub struct Registry {
    lifetime_ms: i64,
    grants: Mutex<HashMap<SecretKeyHash, (Arc<Grant>, Timestamp)>>,
}

impl Registry {
    /// An empty cache whose entries live for `lifetime_ms`; zero turns it off.
    pub fn new(lifetime_ms: i64) -> Self {
        Self { lifetime_ms, grants: Mutex::default() }
    }

    /// What a key opens, if it is on record. An unknown key is never remembered, so a new one
    /// works at once.
    pub async fn grant(
        &self,
        store: &Store,
        hash: &SecretKeyHash,
        now: Timestamp,
    ) -> Result<Option<Arc<Grant>>, StoreError> {
        if let Some(grant) = self.cached(hash, now) {
            return Ok(Some(grant));
        }
        let Some(key) = store.secret_key(hash).await? else { return Ok(None) };
        let Some(environment) = store.environment(key.environment_id).await? else {
            return Ok(None);
        };
        let grant = Arc::new(Grant {
            key_id: key.id,
            may_write_sessions: key.may_write_sessions(),
            environment,
        });
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.len() >= CACHED_KEYS_MAX {
            grants.clear();
        }
        grants.insert(hash.clone(), (Arc::clone(&grant), now));
        Ok(Some(grant))
    }

    fn cached(&self, hash: &SecretKeyHash, now: Timestamp) -> Option<Arc<Grant>> {
        let grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        let (grant, seen) = grants.get(hash)?;
        let age_ms = now.as_millisecond() - seen.as_millisecond();
        (0..self.lifetime_ms).contains(&age_ms).then(|| Arc::clone(grant))
    }
}
