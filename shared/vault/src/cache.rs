//! Branch keys in memory, and the calls that fetch them.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use jiff::{SignedDuration, Timestamp};
use sealing::{BranchKey, WrappedBranchKey};

use crate::error::VaultError;

/// How long a branch key is used before KMS is asked again.
pub const AGE_MAX: SignedDuration = SignedDuration::from_mins(15);

/// How many branch keys are kept.
pub const ENTRIES_MAX: usize = 256;

type Decrypting = BoxFuture<'static, Result<Arc<BranchKey>, VaultError>>;

/// Keyed by the wrapped key and not by its version alone, so that a key that is stored in place of
/// another is another key here too.
#[derive(Default)]
pub(crate) struct Cache {
    keys: HashMap<WrappedBranchKey, Entry>,
    /// Weak, so that a call whose callers have all gone ends with them.
    calls: HashMap<WrappedBranchKey, WeakShared<Decrypting>>,
}

struct Entry {
    key: Arc<BranchKey>,
    asked_at: Timestamp,
    used_at: Timestamp,
}

impl Entry {
    fn is_fresh(&self, now: Timestamp) -> bool {
        // Requests that arrive together may be handled in another order.
        now.duration_since(self.asked_at).abs() < AGE_MAX
    }
}

impl Cache {
    /// A key that is not too old.
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

    /// Ends a call. The key that it fetched takes the place of one that is too old, or else of the
    /// one that was not used for longest.
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
