//! The issues of an input. The answer lists all of them, each with its path, in the order of the
//! schema (contract section 1.3).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// One issue in the form of the contract: exactly these keys, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The kind of issue, for example `invalid_type`.
    pub code: &'static str,
    /// A message for people.
    pub message: Cow<'static, str>,
    /// The path of the value; array indexes are strings too.
    pub path: Vec<String>,
}

/// The most issues in one answer. A body of 256 KiB can have so many that the answer would exceed
/// the 6 MB that Lambda allows.
const ISSUES_MAX: usize = 1_000;

/// The issues found so far, and the path that is being read.
#[derive(Debug, Default)]
pub struct Issues {
    found: Vec<Issue>,
    path: Vec<String>,
}

impl Issues {
    /// Notes an issue at the path that is being read.
    pub fn push(&mut self, code: &'static str, message: impl Into<Cow<'static, str>>) {
        if !self.is_full() {
            self.found.push(Issue { code, message: message.into(), path: self.path.clone() });
        }
    }

    /// Whether the list is full, so that further issues are not noted.
    pub fn is_full(&self) -> bool {
        self.found.len() >= ISSUES_MAX
    }

    /// Notes an issue at `path` below the path that is being read.
    pub fn push_at(
        &mut self,
        path: &[&str],
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) {
        let depth = self.path.len();
        self.path.extend(path.iter().map(|segment| (*segment).to_owned()));
        self.push(code, message);
        self.path.truncate(depth);
    }

    /// Reads one level deeper: `segment` is part of the path of issues that `read` notes.
    pub fn within<T>(&mut self, segment: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    /// Notes that a value does not have the type `expected`.
    pub fn wrong_type(&mut self, expected: &str, value: Option<&Value>) {
        let received = match value {
            None => "undefined",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(_)) => "number",
            Some(Value::String(_)) => "string",
            Some(Value::Array(_)) => "array",
            Some(Value::Object(_)) => "object",
        };
        let message = format!("Invalid input: expected {expected}, received {received}");
        self.push("invalid_type", message);
    }

    /// Notes keys that are not allowed in a strict object.
    pub fn unrecognized_keys<K: AsRef<str>>(&mut self, keys: &[K]) {
        let quoted: Vec<_> = keys.iter().map(|key| format!("\"{}\"", key.as_ref())).collect();
        let plural = if keys.len() == 1 { "" } else { "s" };
        self.push("unrecognized_keys", format!("Unrecognized key{plural}: {}", quoted.join(", ")));
    }

    /// All issues.
    pub fn into_found(self) -> Vec<Issue> {
        self.found
    }

    /// The value if there are no issues, otherwise all issues.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Issue>> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(self.found),
        }
    }
}
