//! Dates in the forms that JavaScript's `Date` accepts: a number of milliseconds, or text in the
//! format of ISO 8601 or of RFC 2822, which `Date.toUTCString` writes.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::input::fields::Issues;

/// Reads a date.
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
        // JavaScript reads `null` and `false` as 0 and `true` as 1: the start of 1970.
        Some(Value::Null | Value::Bool(_)) => Some(Timestamp::UNIX_EPOCH),
        _ => None,
    };
    if moment.is_none() {
        issues.push("invalid_type", "Invalid input: expected date, received Date");
    }
    moment
}

/// A date without an offset, with or without a time of day, taken as UTC.
fn without_offset(text: &str) -> Option<Timestamp> {
    let moment: DateTime = text.parse().ok()?;
    Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
