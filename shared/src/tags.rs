//! Tags: what a customer attaches to a session, copied onto the connection and into webhooks.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::email;
use crate::end_user::{EndUser, Organization};
use crate::fields::{Issue, Issues, record, sized, text, utf16_length};

/// The most tags that one session has.
const COUNT_MAX: usize = 10;
/// The most characters of a key.
const KEY_LENGTH_MAX: usize = 64;
/// The most UTF-16 code units of a value.
const VALUE_LENGTH_MAX: usize = 255;
/// The one key whose value has a rule of its own.
const EMAIL_KEY: &str = "end_user_email";

/// Tags with lowercase keys, at most ten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

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

    /// The tags of a session (contract section 7.1): what the end user and the organization say,
    /// under the end user's own tags, under the session's.
    ///
    /// Derived tags never fail a request: the end user's own are dropped whole when they do not
    /// fit. What the customer asked for by name does: more than ten in all is an issue.
    pub fn merged(
        end_user: Option<&EndUser>,
        organization: Option<&Organization>,
        sent: Option<Tags>,
    ) -> Result<Tags, Vec<Issue>> {
        let described = described(end_user, organization);
        let own = end_user.and_then(|user| user.tags.as_ref()).into_iter().flatten();
        let mut with_own = described.clone();
        with_own.extend(own.map(|(key, value)| (key.to_ascii_lowercase(), value.clone())));
        let derived = [with_own, described].into_iter().find(is_acceptable).unwrap_or_default();

        let mut tags = derived;
        tags.extend(sent.unwrap_or_default().0);
        let mut issues = Issues::default();
        if tags.len() > COUNT_MAX {
            issues.within("tags", too_many);
        }
        issues.finish(Some(Self(tags)))
    }

    /// Key and value of each tag, by key.
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

/// Reads a map of tags and judges it as a whole. A value that is only too long or too short still
/// lets the whole be judged; a wrong type or a bad key does not.
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

fn too_many(issues: &mut Issues) {
    issues.push("custom", format!("Tags cannot contain more than {COUNT_MAX} keys"));
}

/// A letter, then letters, digits and `_-./`.
fn key(name: &str) -> Option<String> {
    let is_good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= KEY_LENGTH_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    is_good.then(|| name.to_owned())
}

/// The tags that describe who is connecting; empty values give none.
fn described(
    end_user: Option<&EndUser>,
    organization: Option<&Organization>,
) -> BTreeMap<String, String> {
    [
        ("end_user_id", end_user.map(|user| &user.id)),
        (EMAIL_KEY, end_user.and_then(|user| user.email.as_ref())),
        ("end_user_display_name", end_user.and_then(|user| user.display_name.as_ref())),
        ("organization_id", organization.map(|organization| &organization.id)),
        (
            "organization_display_name",
            organization.and_then(|organization| organization.display_name.as_ref()),
        ),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), cut(value?))))
    .filter(|(_, value)| !value.is_empty())
    .collect()
}

/// Whether derived tags would pass as tags that a customer sends.
fn is_acceptable(tags: &BTreeMap<String, String>) -> bool {
    tags.len() <= COUNT_MAX
        && tags.values().all(|value| !value.is_empty())
        && tags.get(EMAIL_KEY).is_none_or(|address| email::is_valid(address))
}

/// The longest start of `value` that fits a tag.
fn cut(value: &str) -> String {
    let mut length = 0;
    let fits = value.chars().take_while(|c| {
        length += c.len_utf16();
        length <= VALUE_LENGTH_MAX
    });
    fits.collect()
}
