//! Moments as a JavaScript date takes them: a number of milliseconds, or a text of ISO 8601 or, as
//! `Date.toUTCString` writes it, of RFC 2822.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
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
        Some(Value::String(text)) => {
            let iso = text.parse().ok().or_else(|| without_offset(text));
            iso.or_else(|| DateTimeParser::new().parse_timestamp(text).ok())
        }
        // JavaScript reads these as the first moment of 1970, or one millisecond after it.
        Some(Value::Null | Value::Bool(_)) => Some(Timestamp::UNIX_EPOCH),
        _ => None,
    };
    if moment.is_none() {
        issues.push("invalid_type", "Invalid input: expected date, received Date");
    }
    moment
}

/// A day, which starts at midnight, or a time of day: of UTC, as nothing else is said.
fn without_offset(text: &str) -> Option<Timestamp> {
    let moment: DateTime = text.parse().ok()?;
    Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
