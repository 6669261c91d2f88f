//! What the parts of a document share.

use std::fmt;

use serde_json::Value;
use session::fields::{Fields, Issues, one_of, text};
use url::Url;

/// The most UTF-16 code units of a name.
pub const NAME_LENGTH_MAX: usize = 255;
/// The most UTF-16 code units of a secret, an id or a list of scopes.
pub const SECRET_LENGTH_MAX: usize = 8_192;
/// The most UTF-16 code units of a URL.
const URL_LENGTH_MAX: usize = 2_048;

/// Whether `state` says that a thing is to be removed.
pub fn is_absent(fields: &mut Fields<'_>) -> bool {
    const STATES: [&str; 2] = ["present", "absent"];
    let state = fields.optional("state", |value, issues| one_of(&STATES, value, issues));
    state.is_some_and(|state| state == "absent")
}

/// A change to a value that can be cleared.
#[derive(Debug, Clone, Default)]
pub enum Patch<T> {
    /// The field is missing: the value is kept.
    #[default]
    Keep,
    /// The field is `null`: the value is removed.
    Clear,
    /// The field has a value, which replaces the stored one.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// The value after the change.
    pub fn apply(&self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }
}

/// Reads a field that `null` clears.
pub fn patch<T>(
    fields: &mut Fields<'_>,
    key: &str,
    read: impl FnOnce(Option<Value>, &mut Issues) -> Option<T>,
) -> Patch<T> {
    let patch = fields.optional(key, |value, issues| match value {
        Some(Value::Null) => Some(Patch::Clear),
        value => read(value, issues).map(Patch::Set),
    });
    patch.unwrap_or_default()
}

/// A secret in a document.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// An absolute http(s) URL.
pub fn http_url(value: Option<Value>, issues: &mut Issues) -> Option<String> {
    let text = text::<1, URL_LENGTH_MAX>(value, issues)?;
    let is_good = Url::parse(&text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !is_good {
        issues.push("invalid_format", "Invalid URL");
    }
    Some(text)
}
