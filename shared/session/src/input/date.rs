//! Dates in the forms that JavaScript's `Date` accepts: a number of milliseconds, or text in the
//! format of ISO 8601 or of RFC 2822, which `Date.toUTCString` writes.

use std::borrow::Cow;

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
        Some(Value::Number(number)) => number.as_f64().and_then(of_milliseconds),
        Some(Value::String(text)) => {
            iso(text).or_else(|| DateTimeParser::new().parse_timestamp(text).ok())
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

/// A number of milliseconds since 1970, up to 100 million days of them (ECMA-262 section
/// 21.4.1.1). What lies behind the year 9999 is read as its end.
fn of_milliseconds(ms: f64) -> Option<Timestamp> {
    const MOST: f64 = 8.64e15;
    let furthest = if ms < 0.0 { Timestamp::MIN } else { Timestamp::MAX };
    (ms.abs() <= MOST).then(|| Timestamp::from_millisecond(ms as i64).unwrap_or(furthest))
}

/// A text of ISO 8601 with hyphens. A year, a month or a day is its start; what has no offset is of
/// UTC, as nothing else is said.
fn iso(text: &str) -> Option<Timestamp> {
    let whole = match text.len() {
        4 => Cow::Owned(format!("{text}-01-01")),
        7 => Cow::Owned(format!("{text}-01")),
        _ => Cow::Borrowed(text),
    };
    if whole.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let without_offset = || whole.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    whole.parse().ok().or_else(|| Some(without_offset()?.timestamp()))
}
