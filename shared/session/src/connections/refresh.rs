//! When credentials are renewed, and the state of refreshing (section 9 of the flow, "Refresh on
//! read").

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A token that expires within this time is renewed when it is read.
pub const MARGIN: SignedDuration = SignedDuration::from_mins(15);
/// How long after a failure the provider is not asked again.
pub const BACK_OFF: SignedDuration = SignedDuration::from_secs(30);
/// On how many calendar days (UTC) the grant may be refused before refreshing stops.
pub const REFUSED_DAYS_MAX: u32 = 4;

/// The state of refreshing a connection's credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefreshState {
    /// When the grant is renewed if it stays idle; `None` if there is no grant to keep alive.
    pub due_at: Option<Timestamp>,
    /// The failure of the last renewal, if it failed.
    pub failure: Option<RefreshFailure>,
    /// The lease of the caller that is renewing the credentials.
    pub lease: Option<Lease>,
}

impl RefreshState {
    /// The state after credentials were saved.
    pub fn due(due_at: Option<Timestamp>) -> Self {
        Self { due_at, ..Self::default() }
    }
}

/// The right to renew the credentials of a connection, which one caller holds at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// A random id of the caller.
    pub owner: Uuid,
    /// When it ends, if its owner does not end it before.
    pub ends_at: Timestamp,
}

/// Whose fault it is that a renewal failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The end user's: the grant was revoked or has ended. Only a reconnection helps.
    Grant,
    /// The provider's: it is down, does not answer, or answers without a token. Trying later may
    /// help.
    Provider,
    /// The operator's: the provider does not know the integration's client. All connections work
    /// again once the client is corrected.
    Integration,
}

/// A failed renewal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFailure {
    /// Its id in the customer's `errors` and in the log.
    pub log_id: String,
    /// When it failed, in epoch milliseconds.
    pub failed_at_ms: i64,
    /// Whose fault it was.
    pub fault: Fault,
    /// On how many calendar days the grant was refused since it last worked.
    pub refused_days: u32,
    /// The last of those days, as `2026-11-24`.
    pub refused_on: Option<String>,
}

impl RefreshFailure {
    /// A failure now. `before` is the previous failure since the last success.
    pub fn new(fault: Fault, before: Option<&Self>, now: Timestamp) -> Self {
        let (mut refused_days, mut refused_on) = match before {
            Some(before) => (before.refused_days, before.refused_on.clone()),
            None => (0, None),
        };
        let today = now.to_zoned(TimeZone::UTC).date().to_string();
        if fault == Fault::Grant && refused_on.as_ref() != Some(&today) {
            refused_days += 1;
            refused_on = Some(today);
        }
        let log_id = Uuid::new_v4().to_string();
        Self { log_id, failed_at_ms: now.as_millisecond(), fault, refused_days, refused_on }
    }

    /// Whether the connection is shown with an error. If the integration's client is wrong, only
    /// the caller that asked for a renewal gets the error.
    pub fn marks_connection(&self) -> bool {
        self.fault != Fault::Integration || self.refused_days > 0
    }

    /// Whether it failed so recently that the provider is not asked again.
    pub fn is_recent(&self, now: Timestamp) -> bool {
        let age_ms = now.as_millisecond() - self.failed_at_ms;
        (0..BACK_OFF.as_millis()).contains(&i128::from(age_ms))
    }

    /// Whether the grant was refused on so many days that only `force_refresh` tries again.
    pub fn is_exhausted(&self) -> bool {
        self.refused_days >= REFUSED_DAYS_MAX
    }
}

/// Whether a token expires within [`MARGIN`]. A token without an expiry never does.
pub fn is_ending(credentials: &Map<String, Value>, now: Timestamp) -> bool {
    expires_at(credentials).is_some_and(|end| end.duration_since(now) < MARGIN)
}

/// Whether a token is still valid: it expires later, or has no expiry.
pub fn is_good(credentials: &Map<String, Value>, now: Timestamp) -> bool {
    expires_at(credentials).is_none_or(|end| end > now)
}

/// When a token expires: from text in the contract's format, or epoch seconds or milliseconds.
pub fn expires_at(credentials: &Map<String, Value>) -> Option<Timestamp> {
    /// Seconds reach this number in the year 5138; milliseconds reached it in 1973.
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    let number = |number: i64| {
        let ms = if number >= MILLISECONDS_FROM { number } else { number.checked_mul(1_000)? };
        Timestamp::from_millisecond(ms).ok()
    };
    match credentials.get("expires_at")? {
        Value::String(text) => {
            text.parse().ok().or_else(|| text.trim().parse().ok().and_then(number))
        }
        Value::Number(value) => {
            value.as_i64().or(value.as_f64().map(|v| v as i64)).and_then(number)
        }
        _ => None,
    }
}
