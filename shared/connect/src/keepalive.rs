//! When an idle grant is renewed. Providers end a refresh token that was not used for a long time,
//! and nobody notices until it is needed.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use session::provider::Provider;
use session::refresh::{Fault, RefreshFailure, expires_at};

use crate::renewal::Means;

/// How long a grant may be idle if the provider's file does not say.
const IDLE: SignedDuration = SignedDuration::from_hours(24);
/// The shortest such time that a provider's file can ask for.
const IDLE_MIN: SignedDuration = SignedDuration::from_hours(1);
/// When a renewal that failed is retried, unless the grant was refused.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// When the grant behind new credentials is due: after the time in the provider's file, otherwise
/// after a day, but not before the access token expires. `None` without a refresh token, since
/// there is nothing to keep alive, and for an access token that does not expire, since it is never
/// renewed.
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

/// When a failed renewal is due again: the next day if the grant was refused, otherwise in an hour.
/// `None` once it was refused on too many days.
pub fn due_after(failure: &RefreshFailure, now: Timestamp) -> Option<Timestamp> {
    if failure.is_exhausted() {
        return None;
    }
    let wait = if failure.fault == Fault::Grant { IDLE } else { AGAIN };
    now.checked_add(wait).ok()
}
