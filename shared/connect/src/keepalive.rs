//! When a grant that nobody uses is renewed unasked. Providers end a refresh token that was idle
//! for long, and nobody notices until it is needed.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use session::provider::Provider;
use session::refresh::{Fault, RefreshFailure, expires_at};

use crate::renewal::Means;

/// How long a grant may be idle where the provider's file does not say.
const IDLE: SignedDuration = SignedDuration::from_hours(24);
/// The least of these times.
const IDLE_MIN: SignedDuration = SignedDuration::from_hours(1);
/// When a renewal is tried again that was not refused for good.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// When the grant of new credentials is due: after the time that the provider's file gives, else
/// after a day, and then not before the token ends, since nothing is gained by that. What has no
/// refresh token has nothing to keep alive, and a token that does not end is never renewed.
pub fn due_at(
    provider: &Provider,
    credentials: &Map<String, Value>,
    now: Timestamp,
) -> Option<Timestamp> {
    if Means::of(credentials) != Some(Means::RefreshToken) {
        return None;
    }
    let ends_at = expires_at(credentials)?;
    let own = provider.template().get("refresh_idle_ms").and_then(Value::as_i64);
    match own {
        Some(ms) => now.checked_add(SignedDuration::from_millis(ms).max(IDLE_MIN)).ok(),
        None => Some(now.checked_add(IDLE).ok()?.max(ends_at)),
    }
}

/// When a renewal is due again that has failed: the next day where the grant was refused, until it
/// is exhausted.
pub fn due_after(failure: &RefreshFailure, now: Timestamp) -> Option<Timestamp> {
    if failure.is_exhausted() {
        return None;
    }
    let wait = if failure.fault == Fault::Grant { IDLE } else { AGAIN };
    now.checked_add(wait).ok()
}
