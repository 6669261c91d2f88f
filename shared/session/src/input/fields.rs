//! Reads the fields of a JSON body. A reading function takes `Option<Value>`, where `None` is a key
//! that was not sent, notes issues, and returns `None` if there is no value to continue with.

use std::ops::RangeInclusive;

use indexmap::IndexMap;
use serde_json::{Map, Value};

pub use crate::input::issues::{Issue, Issues};

/// A strict object: its fields are taken one by one, and each remaining one is an issue.
pub struct Fields<'a> {
    values: Map<String, Value>,
    issues: &'a mut Issues,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which must be an object.
    pub fn of(value: Option<Value>, issues: &'a mut Issues) -> Option<Self> {
        match value {
            Some(Value::Object(values)) => Some(Self { values, issues }),
            other => {
                issues.wrong_type("object", other.as_ref());
                None
            }
        }
    }

    /// Whether `key` was sent.
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Takes a field whose reader decides what its absence means.
    pub fn required<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(Option<Value>, &mut Issues) -> Option<T>,
    ) -> Option<T> {
        let value = self.values.shift_remove(key);
        self.issues.within(key, |issues| read(value, issues))
    }

    /// Takes a field that may be left out.
    pub fn optional<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(Option<Value>, &mut Issues) -> Option<T>,
    ) -> Option<T> {
        let value = self.values.shift_remove(key)?;
        self.issues.within(key, |issues| read(Some(value), issues))
    }

    /// Notes an issue at `path` below the object.
    pub fn issue(&mut self, path: &[&str], code: &'static str, message: &'static str) {
        self.issues.push_at(path, code, message);
    }

    /// The remaining fields, for an object that is not strict.
    pub fn rest(self) -> Map<String, Value> {
        self.values
    }

    /// Notes an issue if fields remain.
    pub fn finish(self) {
        if !self.values.is_empty() {
            let keys: Vec<_> = self.values.keys().collect();
            self.issues.unrecognized_keys(&keys);
        }
    }
}

/// A string of any length.
pub fn string(value: Option<Value>, issues: &mut Issues) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        other => {
            issues.wrong_type("string", other.as_ref());
            None
        }
    }
}

/// A boolean.
pub fn boolean(value: Option<Value>, issues: &mut Issues) -> Option<bool> {
    match value {
        Some(Value::Bool(value)) => Some(value),
        other => {
            issues.wrong_type("boolean", other.as_ref());
            None
        }
    }
}

/// One of a few strings.
pub fn one_of(options: &[&str], value: Option<Value>, issues: &mut Issues) -> Option<String> {
    if let Some(Value::String(text)) = value
        && options.contains(&text.as_str())
    {
        return Some(text);
    }
    let options: Vec<_> = options.iter().map(|option| format!("\"{option}\"")).collect();
    issues.push("invalid_value", format!("Invalid option: expected one of {}", options.join("|")));
    None
}

/// A string of `MIN` to `MAX` UTF-16 code units.
pub fn text<const MIN: usize, const MAX: usize>(
    value: Option<Value>,
    issues: &mut Issues,
) -> Option<String> {
    sized(value, issues, MIN..=MAX, |_, _| {})
}

/// A string with a certain form and length. The recorded service also checks the length of arrays,
/// so an array instead of a string can have two issues, for its type and its length.
pub fn sized(
    value: Option<Value>,
    issues: &mut Issues,
    length: RangeInclusive<usize>,
    judge_form: impl FnOnce(&str, &mut Issues),
) -> Option<String> {
    let (kind, unit, actual) = match &value {
        Some(Value::String(text)) => {
            judge_form(text, issues);
            ("string", "characters", utf16_length(text))
        }
        other => {
            issues.wrong_type("string", other.as_ref());
            let Some(Value::Array(items)) = other else { return None };
            ("array", "items", items.len())
        }
    };
    let (least, most) = (length.start(), length.end());
    if actual < *least {
        let message = format!("Too small: expected {kind} to have >={least} {unit}");
        issues.push("too_small", message);
    }
    if actual > *most {
        issues.push("too_big", format!("Too big: expected {kind} to have <={most} {unit}"));
    }
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// An array, each item read in turn.
pub fn array<T>(
    value: Option<Value>,
    issues: &mut Issues,
    read: impl Fn(Option<Value>, &mut Issues) -> Option<T>,
) -> Option<Vec<T>> {
    match value {
        Some(Value::Array(items)) => Some(
            items
                .into_iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    issues.within(&index.to_string(), |issues| read(Some(item), issues))
                })
                .collect(),
        ),
        other => {
            issues.wrong_type("array", other.as_ref());
            None
        }
    }
}

/// A map with keys of one kind and values of one kind, in the order sent.
///
/// The value under an invalid key is not checked. `__proto__` is ignored, as in JavaScript.
pub fn record<K, V>(
    value: Option<Value>,
    issues: &mut Issues,
    key: impl Fn(&str) -> Option<K>,
    read: impl Fn(Option<Value>, &mut Issues) -> Option<V>,
) -> Option<IndexMap<K, V>>
where
    K: std::hash::Hash + Eq,
{
    let Some(Value::Object(entries)) = value else {
        issues.wrong_type("record", value.as_ref());
        return None;
    };
    let mut map = IndexMap::with_capacity(entries.len());
    for (name, value) in entries.into_iter().filter(|(name, _)| name != "__proto__") {
        issues.within(&name, |issues| match key(&name) {
            None => issues.push("invalid_key", "Invalid key in record"),
            Some(key) => {
                if let Some(value) = read(Some(value), issues) {
                    map.insert(key, value);
                }
            }
        });
    }
    Some(map)
}

/// The length of a string in UTF-16 code units, as JavaScript and the contract count it.
pub fn utf16_length(text: &str) -> usize {
    text.encode_utf16().count()
}
