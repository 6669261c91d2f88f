//! Everything that is wrong with an input. The answer lists all issues, each with its path, in the
//! order of the schema (contract section 1.3).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// One finding about the input, in its wire form: exactly these keys, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// What kind of finding, for example `invalid_type`.
    pub code: &'static str,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// Where it stands; array indexes are strings too.
    pub path: Vec<String>,
}

/// The most issues in one answer: those of a body of 256 KiB can take more than the 6 MB that a
/// function may answer.
const ISSUES_MAX: usize = 1_000;

/// The issues found so far, and the place that is being read.
#[derive(Debug, Default)]
pub struct Issues {
    found: Vec<Issue>,
    path: Vec<String>,
}

impl Issues {
    /// Notes a finding at the place that is being read.
    pub fn push(&mut self, code: &'static str, message: impl Into<Cow<'static, str>>) {
        if !self.is_full() {
            self.found.push(Issue { code, message: message.into(), path: self.path.clone() });
        }
    }

    /// Whether further findings would change nothing.
    pub fn is_full(&self) -> bool {
        self.found.len() >= ISSUES_MAX
    }

    /// Notes a finding at `path` below the place that is being read.
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

    /// Reads one level deeper: `segment` is part of the path of whatever `read` finds.
    pub fn within<T>(&mut self, segment: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    /// Notes that a value has another type than `expected`.
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

    /// Notes keys that a strict object does not have.
    pub fn unrecognized_keys<K: AsRef<str>>(&mut self, keys: &[K]) {
        let quoted: Vec<_> = keys.iter().map(|key| format!("\"{}\"", key.as_ref())).collect();
        let plural = if keys.len() == 1 { "" } else { "s" };
        self.push("unrecognized_keys", format!("Unrecognized key{plural}: {}", quoted.join(", ")));
    }

    /// Everything that was found.
    pub fn into_found(self) -> Vec<Issue> {
        self.found
    }

    /// The value if nothing was found, else everything that was.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Issue>> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(self.found),
        }
    }
}
