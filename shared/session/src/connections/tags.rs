//! Tags: labels that a customer attaches to a session, copied onto the connection and into
//! webhooks.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::email;
use crate::input::fields::{Issues, record, sized, text, utf16_length};

/// The most tags of one session or connection.
pub const COUNT_MAX: usize = 10;
/// The most characters of a key.
const KEY_LENGTH_MAX: usize = 64;
/// The most UTF-16 code units of a value.
pub const VALUE_LENGTH_MAX: usize = 255;
/// The key whose value must be an e-mail address.
pub const EMAIL_KEY: &str = "end_user_email";

/// Tags with lowercase keys, at most ten, in the order in which they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(IndexMap<String, String>);

impl Tags {
    /// Reads the `tags` of a body: values of 1 to 255 characters; keys are lowercased.
    pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Self> {
        let sent = read_map(value, issues, |value, issues| {
            let value = sized(value, issues, 1..=usize::MAX, |_, _| {})?;
            if utf16_length(&value) > VALUE_LENGTH_MAX {
                let message = format!("Tag values must be at most {VALUE_LENGTH_MAX} characters");
                issues.push("too_big", message);
            }
            Some(value)
        })?;
        Some(Self(sent.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect()))
    }

    /// Tags that the caller has validated.
    pub fn from_map(tags: IndexMap<String, String>) -> Self {
        Self(tags)
    }

    /// The tags.
    pub fn into_map(self) -> IndexMap<String, String> {
        self.0
    }

    /// Key and value of each tag.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }
}

/// Reads the `tags` of an end user: values may be empty; keys keep their case.
pub fn read_end_user_tags(
    value: Option<Value>,
    issues: &mut Issues,
) -> Option<IndexMap<String, String>> {
    read_map(value, issues, text::<0, VALUE_LENGTH_MAX>)
}

/// Reads a map of tags, and then checks the map as a whole. The latter is done even if a value is
/// too long or too short, but not if one has a wrong type or an invalid key.
fn read_map(
    value: Option<Value>,
    issues: &mut Issues,
    read: impl Fn(Option<Value>, &mut Issues) -> Option<String>,
) -> Option<IndexMap<String, String>> {
    let sent = match &value {
        Some(Value::Object(map)) => map.len() - usize::from(map.contains_key("__proto__")),
        _ => 0,
    };
    let tags = record(value, issues, key, read)?;
    if tags.len() != sent {
        return Some(tags);
    }
    if tags.len() > COUNT_MAX {
        too_many(issues);
        return Some(tags);
    }
    let mut seen = HashSet::new();
    for name in tags.keys().map(|key| key.to_ascii_lowercase()) {
        if !seen.insert(name.clone()) {
            let message = format!("Duplicate tag key after case normalization: \"{name}\"");
            issues.push("custom", message);
        }
    }
    let addresses = tags.iter().filter(|(key, _)| key.eq_ignore_ascii_case(EMAIL_KEY));
    for _ in addresses.filter(|(_, value)| !email::is_valid(value)) {
        issues.push("custom", format!("Tag \"{EMAIL_KEY}\" must be a valid email"));
    }
    Some(tags)
}

/// Notes the issue that there are more than ten tags.
pub fn too_many(issues: &mut Issues) {
    issues.push("custom", format!("Tags cannot contain more than {COUNT_MAX} keys"));
}

/// A key: a letter, then letters, digits and `_-./`.
fn key(name: &str) -> Option<String> {
    let is_good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= KEY_LENGTH_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    is_good.then(|| name.to_owned())
}
