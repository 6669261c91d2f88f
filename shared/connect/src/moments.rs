//! Lifetimes and expiry times of tokens, as providers and the contract write them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use session::provider::Provider;

/// A larger number in `expires_at` means milliseconds: in seconds, this is the year 5138.
const SECONDS_MAX: f64 = 1e11;

/// A number of seconds, or a text with one, as some providers send it. At most ten years.
pub fn seconds(value: &Value) -> Option<SignedDuration> {
    const YEAR: i64 = 366 * 24 * 60 * 60;
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }?;
    (seconds.is_finite() && seconds >= 0.0)
        .then(|| SignedDuration::from_secs((seconds as i64).min(10 * YEAR)))
}

/// A moment as text (RFC 3339), or as epoch seconds or milliseconds, or a text with those.
pub fn point_in_time(value: &Value) -> Option<Timestamp> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => Some(number),
            Err(_) => return text.trim().parse().ok(),
        },
        _ => None,
    };
    let number = number.filter(|number| *number > 0.0)?;
    let ms = if number > SECONDS_MAX { number } else { number * 1_000.0 };
    Timestamp::from_millisecond(ms as i64).ok()
}

/// The moment `lifetime` after `now`, as the contract prints it.
pub fn moment(now: Timestamp, lifetime: SignedDuration) -> Value {
    let moment = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    Value::String(format!("{moment:.3}"))
}

/// An object that `json!` wrote.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// How long a token of a provider lives whose answers do not say so.
pub fn known_lifetime(provider: &Provider) -> Option<SignedDuration> {
    let ms = provider.template().get("token_expires_in_ms")?.as_i64()?;
    Some(SignedDuration::from_millis(ms))
}

/// The lifetime of a token that is signed here, from the provider's file; five minutes by default.
pub fn lifetime(provider: &Provider) -> SignedDuration {
    let ms = provider.object("token").and_then(|token| token.get("expires_in_ms")?.as_i64());
    SignedDuration::from_millis(ms.unwrap_or(300_000))
}
