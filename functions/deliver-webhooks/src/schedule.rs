//! When the next attempt after a failed one is due.

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::{SignedDuration, Timestamp};

/// The waits after the first failed attempt, after the second, and so on: about three days in all.
pub const WAITS: [SignedDuration; 11] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(12),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(24),
];

/// The fraction by which jitter lengthens a wait, at most.
const JITTER: f64 = 0.2;

/// How long to wait after this many failed attempts; `None` after the last one. The receiver's
/// `Retry-After` counts between one and two times the wait.
pub fn wait(failed: u32, retry_after: Option<SignedDuration>) -> Option<SignedDuration> {
    let place = usize::try_from(failed.checked_sub(1)?).ok()?;
    let planned = *WAITS.get(place)?;
    // Jitter, so that events which failed together are not retried together.
    let jittered = planned.mul_f64(1.0 + JITTER * fastrand::f64());
    Some(retry_after.map_or(jittered, |asked| asked.clamp(jittered, planned * 2)))
}

/// The value of `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(seconds.into()));
    }
    let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(moment.duration_since(now))
}
