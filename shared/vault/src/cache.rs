//! Decrypted branch keys in memory, and the calls that are fetching some.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use jiff::{SignedDuration, Timestamp};
use sealing::{BranchKey, WrappedBranchKey};

use crate::error::VaultError;

/// How long a branch key is used before KMS is called again.
pub const AGE_MAX: SignedDuration = SignedDuration::from_mins(15);

/// How many branch keys are kept.
pub const ENTRIES_MAX: usize = 256;

type Decrypting = BoxFuture<'static, Result<Arc<BranchKey>, VaultError>>;

/// Keyed by the whole encrypted key, not only by its version, so that a replaced key is a different
/// entry.
#[derive(Default)]
pub(crate) struct Cache {
    keys: HashMap<WrappedBranchKey, Entry>,
    /// Weak references, so that a call ends when all its callers are gone.
    calls: HashMap<WrappedBranchKey, WeakShared<Decrypting>>,
}

struct Entry {
    key: Arc<BranchKey>,
    asked_at: Timestamp,
    used_at: Timestamp,
}

impl Entry {
    fn is_fresh(&self, now: Timestamp) -> bool {
        // `abs`, since concurrent requests may be handled in another order than they arrived.
        now.duration_since(self.asked_at).abs() < AGE_MAX
    }
}

impl Cache {
    /// The decrypted key, unless it is too old.
    pub fn get(&mut self, wrapped: &WrappedBranchKey, now: Timestamp) -> Option<Arc<BranchKey>> {
        let entry = self.keys.get_mut(wrapped).filter(|entry| entry.is_fresh(now))?;
        entry.used_at = now;
        Some(Arc::clone(&entry.key))
    }

    /// The call that is fetching the key, or a new one.
    pub fn call(
        &mut self,
        wrapped: &WrappedBranchKey,
        start: impl FnOnce() -> Decrypting,
    ) -> Shared<Decrypting> {
        self.calls.retain(|_, call| call.upgrade().is_some());
        if let Some(call) = self.calls.get(wrapped).and_then(WeakShared::upgrade) {
            return call;
        }
        let call = start().shared();
        if let Some(weak) = call.downgrade() {
            self.calls.insert(wrapped.clone(), weak);
        }
        call
    }

    /// Ends a call and stores its key. Entries that are too old are removed; if the cache is still
    /// full, so is the least recently used one.
    pub fn finish(
        &mut self,
        wrapped: WrappedBranchKey,
        key: Option<&Arc<BranchKey>>,
        now: Timestamp,
    ) {
        self.calls.remove(&wrapped);
        let Some(key) = key else { return };
        self.keys.retain(|_, entry| entry.is_fresh(now));
        if self.keys.len() >= ENTRIES_MAX && !self.keys.contains_key(&wrapped) {
            let oldest = self.keys.iter().min_by_key(|(_, entry)| entry.used_at);
            if let Some(oldest) = oldest.map(|(wrapped, _)| wrapped.clone()) {
                self.keys.remove(&oldest);
            }
        }
        let entry = Entry { key: Arc::clone(key), asked_at: now, used_at: now };
        self.keys.insert(wrapped, entry);
    }
}
