//! The answer of a token endpoint (RFC 6749 sections 5.1 and 5.2), in the forms that real providers
//! use: JSON or a form whatever the content type says, errors with status 200, tokens inside other
//! objects, lifetimes as text.

use std::fmt;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use outbound::Answer;
use serde_json::{Map, Value};
use session::json;
use session::provider::Provider;

use crate::moments::{known_lifetime, moment, point_in_time, seconds};

/// A token answer. Its `Debug` form shows no token.
#[derive(Clone, PartialEq)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if there is one. If a refresh answers none, the used one stays valid.
    pub refresh_token: Option<String>,
    /// When the access token expires, if the provider says so.
    pub expires_at: Option<Timestamp>,
    /// The whole answer.
    pub raw: Map<String, Value>,
}

/// Why an answer has no token.
#[derive(Clone, PartialEq)]
pub enum NoToken {
    /// The provider reports an error, by its status or in its body.
    Refused {
        /// The status, which some providers leave at 200.
        status: StatusCode,
        /// The code of RFC 6749 section 5.2, such as `invalid_grant`, if there is one.
        error: Option<String>,
        /// The whole answer.
        payload: Value,
    },
    /// Neither JSON nor a form.
    Unreadable,
    /// An answer without an access token.
    Incomplete,
}

impl TokenAnswer {
    /// Reads an answer. `asked_at` is a moment before the request. Lifetimes count from it, so a
    /// token is considered older than it is, never younger.
    pub fn read(
        provider: &Provider,
        answer: &Answer,
        asked_at: Timestamp,
    ) -> Result<Self, NoToken> {
        let body = String::from_utf8_lossy(&answer.body);
        let body = body.trim_start_matches('\u{feff}').trim();
        let payload = json::parse(body).ok().or_else(|| form(body).map(Value::Object));
        let payload = payload.ok_or(NoToken::Unreadable)?;
        if let Some(error) =
            error(&payload).or_else(|| (!answer.status.is_success()).then_some(None))
        {
            return Err(NoToken::Refused { status: answer.status, error, payload });
        }
        let Value::Object(raw) = payload else { return Err(NoToken::Incomplete) };
        let part = Parts::of(provider, &raw);
        let text = |value: Option<&Value>| {
            value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let access_token = text(part.token).ok_or(NoToken::Incomplete)?;
        let refresh_token = text(part.refresh_token);
        let expires_at = part.expires_at(provider, asked_at);
        Ok(Self { access_token, refresh_token, expires_at, raw })
    }

    /// The answer together with `expires_at`, as connections store it.
    pub fn raw_with_expiry(&self) -> Map<String, Value> {
        let mut raw = self.raw.clone();
        raw.extend(self.expires_at_text().map(|text| ("expires_at".to_owned(), text)));
        raw
    }

    /// The time of expiry, in the contract's format.
    pub fn expires_at_text(&self) -> Option<Value> {
        self.expires_at.map(|at| moment(at, SignedDuration::ZERO))
    }
}

/// The parts of an answer: at its top level, or at the paths in the provider's file.
struct Parts<'a> {
    token: Option<&'a Value>,
    refresh_token: Option<&'a Value>,
    expires_in: Option<&'a Value>,
    expires_at: Option<&'a Value>,
}

impl<'a> Parts<'a> {
    fn of(provider: &Provider, raw: &'a Map<String, Value>) -> Self {
        let paths = provider.object("token_response");
        let path = |name: &str| paths?.get(name)?.as_str();
        if raw.get("access_token").is_some_and(|token| !token.is_null()) || paths.is_none() {
            return Self {
                token: raw.get("access_token"),
                refresh_token: raw.get("refresh_token"),
                expires_in: raw.get("expires_in"),
                expires_at: raw.get("expires_at"),
            };
        }
        let nested = |name: &str| path(name).and_then(|path| at(raw, path));
        let expiration = nested("token_expiration");
        let is_moment = path("token_expiration_strategy") == Some("expireAt");
        Self {
            token: nested("token"),
            refresh_token: nested("refresh_token"),
            expires_in: expiration.filter(|_| !is_moment),
            expires_at: expiration.filter(|_| is_moment),
        }
    }

    fn expires_at(&self, provider: &Provider, asked_at: Timestamp) -> Option<Timestamp> {
        if let Some(moment) = self.expires_at.and_then(point_in_time) {
            return Some(moment);
        }
        let lifetime = self.expires_in.and_then(seconds).or_else(|| known_lifetime(provider))?;
        asked_at.checked_add(lifetime).ok()
    }
}

/// The value at a dotted path.
pub fn at<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut segments = path.split('.');
    let first = object.get(segments.next()?)?;
    segments.try_fold(first, |value, segment| value.get(segment))
}

/// The error in an answer, whatever its status: `error`, or `"ok": false` as Slack writes it. The
/// inner `None` is an error without a code.
#[expect(clippy::option_option, reason = "no error, one without a code and one with are three")]
fn error(payload: &Value) -> Option<Option<String>> {
    match payload.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::String(code)) if code.is_empty() => {}
        Some(Value::String(code)) => return Some(Some(code.clone())),
        // An object that contains the code, as in answers of Google's and Microsoft's APIs.
        Some(other) => {
            let code = other.get("code").or_else(|| other.get("type")).and_then(Value::as_str);
            return Some(code.map(str::to_owned));
        }
    }
    (payload.get("ok") == Some(&Value::Bool(false))).then_some(None)
}

/// A form, which GitHub answers unless it is asked for JSON. `None` for a text with neither a token
/// nor an error.
pub(crate) fn form(body: &str) -> Option<Map<String, Value>> {
    let pairs = url::form_urlencoded::parse(body.as_bytes());
    let form: Map<_, _> =
        pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
    (form.contains_key("access_token") || form.contains_key("error")).then_some(form)
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, error, .. } => {
                write!(f, "Refused({status}, {})", error.as_deref().unwrap_or("no code"))
            }
            Self::Unreadable => f.write_str("Unreadable"),
            Self::Incomplete => f.write_str("Incomplete"),
        }
    }
}
