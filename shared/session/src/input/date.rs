//! Moments as a JavaScript date takes them: a number of milliseconds, or an ISO 8601 text.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::input::fields::Issues;

/// Reads a moment.
#[expect(clippy::needless_pass_by_value, reason = "the signature of every reading function")]
pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Timestamp> {
    let moment = match &value {
        Some(Value::Number(number)) => {
            number.as_f64().and_then(|ms| Timestamp::from_millisecond(ms as i64).ok())
        }
        Some(Value::String(text)) => text.parse().ok().or_else(|| midnight(text)),
        // JavaScript reads these as the first moment of 1970, or one millisecond after it.
        Some(Value::Null | Value::Bool(_)) => Some(Timestamp::UNIX_EPOCH),
        _ => None,
    };
    if moment.is_none() {
        issues.push("invalid_type", "Invalid input: expected date, received Date");
    }
    moment
}

/// A day without a time of day starts in UTC.
fn midnight(text: &str) -> Option<Timestamp> {
    let day: Date = text.parse().ok()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
