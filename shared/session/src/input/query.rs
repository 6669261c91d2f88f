//! Reads query strings with nested names, such as `params[subdomain]=acme`.

use serde_json::{Map, Value};

/// The most segments of a name; deeper brackets are ignored.
const DEPTH_MAX: usize = 5;
/// The most parameters that are read.
const PARAMETERS_MAX: usize = 1_000;
/// The largest index of a list; a larger number is a name.
const INDEX_MAX: usize = 20;

/// Reads a query string (WHATWG URL Standard, `application/x-www-form-urlencoded`).
///
/// Values are strings. A name that is given twice, or with `[]` or an index, is a list; a name with
/// another name in brackets is an object. `__proto__` and parameters without a name are ignored.
pub fn parse(query: &str) -> Map<String, Value> {
    let mut parameters = Value::Object(Map::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).take(PARAMETERS_MAX) {
        let path = path(&name);
        if !path.iter().any(|segment| segment == "__proto__") && !path[0].is_empty() {
            insert(&mut parameters, &path, value.into_owned());
        }
    }
    match parameters {
        Value::Object(parameters) => parameters,
        _ => Map::new(),
    }
}

/// The segments of a name: `a`, `b` and an empty one for `a[b][]`. If a name starts with a bracket,
/// its content is the first segment; an empty one becomes `0`.
fn path(name: &str) -> Vec<String> {
    let bracketed = |text: &str| text.find('[').is_some_and(|at| text[at..].contains(']'));
    let (first, mut rest) = match name.find('[') {
        Some(at) if bracketed(name) => name.split_at(at),
        _ => return vec![name.to_owned()],
    };
    let mut path = Vec::new();
    if !first.is_empty() {
        path.push(first.to_owned());
    }
    while path.len() < DEPTH_MAX
        && let Some(inner) = rest.strip_prefix('[')
        && let Some(end) = inner.find(']')
    {
        path.push(inner[..end].to_owned());
        rest = &inner[end + 1..];
    }
    if first.is_empty() && path.first().is_some_and(String::is_empty) {
        "0".clone_into(&mut path[0]);
    }
    path
}

fn insert(slot: &mut Value, path: &[String], text: String) {
    let Some((segment, rest)) = path.split_first() else {
        match slot {
            Value::Null => *slot = Value::String(text),
            Value::Array(items) => items.push(Value::String(text)),
            Value::String(first) => {
                let first = std::mem::take(first);
                *slot = Value::Array(vec![Value::String(first), Value::String(text)]);
            }
            _ => {}
        }
        return;
    };
    let is_index =
        segment.is_empty() || segment.parse().is_ok_and(|index: usize| index <= INDEX_MAX);
    match slot {
        Value::Null if is_index => *slot = Value::Array(Vec::new()),
        Value::Null => *slot = Value::Object(Map::new()),
        Value::String(first) => {
            let first = std::mem::take(first);
            *slot = Value::Array(vec![Value::String(first)]);
        }
        _ => {}
    }
    match slot {
        Value::Object(fields) => {
            insert(fields.entry(segment.clone()).or_insert(Value::Null), rest, text);
        }
        Value::Array(items) => {
            let mut item = Value::Null;
            insert(&mut item, rest, text);
            items.push(item);
        }
        _ => {}
    }
}
