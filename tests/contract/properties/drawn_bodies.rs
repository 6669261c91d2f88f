//! Random bodies of create and reconnect: valid ones, and valid ones with a few changes.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};

use super::{json, key, object, text, units};

/// The integrations of the world's environment.
const INTEGRATIONS: [&str; 5] = ["github", "slack", "my integration", "hubspot", "a"];

/// Valid bodies, valid bodies with a few changes, and any JSON.
pub fn bodies(good: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let edits = prop_oneof![1 => vec(change(), 0..1), 4 => vec(change(), 1..4)];
    let changed = (good, edits).prop_map(|(mut body, edits)| {
        for (index, change) in edits {
            let mut at = index.index(count(&body));
            apply(change, nth(&mut body, &mut at).expect("a value"));
        }
        body
    });
    let odd = object().prop_map(Value::Object);
    let scalar = prop_oneof![Just(Value::Null), text().prop_map(Value::from)];
    prop_oneof![6 => changed, 1 => odd, 1 => json(), 1 => scalar].boxed()
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Insert(String, Value),
    Remove(Index),
    Rename(Index, String),
    Repeat(usize),
}

fn change() -> BoxedStrategy<(Index, Change)> {
    let change = prop_oneof![
        json().prop_map(Change::Replace),
        (key(), json()).prop_map(|(key, value)| Change::Insert(key, value)),
        any::<Index>().prop_map(Change::Remove),
        (any::<Index>(), key()).prop_map(|(index, key)| Change::Rename(index, key)),
        select(&[12, 64, 65, 255, 256][..]).prop_map(Change::Repeat),
    ];
    (any::<Index>(), change).boxed()
}

fn apply(change: Change, place: &mut Value) {
    match (change, place) {
        (Change::Replace(value), place) => *place = value,
        (Change::Insert(key, value), Value::Object(map)) => drop(map.insert(key, value)),
        (Change::Remove(index), Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(index.index(map.len())).expect("a key").clone();
            map.shift_remove(&key);
        }
        (Change::Rename(index, to), Value::Object(map)) if !map.is_empty() => {
            let key = map.keys().nth(index.index(map.len())).expect("a key").clone();
            let value = map.shift_remove(&key).expect("a value");
            map.insert(to, value);
        }
        (Change::Repeat(length), Value::String(text)) => {
            let c = text.chars().next().unwrap_or('a');
            *text = std::iter::repeat_n(c, length).collect();
        }
        (Change::Repeat(length), Value::Object(map)) if !map.is_empty() => {
            let value = map.values().next().expect("a value").clone();
            map.extend((0..length.min(12)).map(|n| (format!("k{n}"), value.clone())));
        }
        (_, Value::Array(items)) => items.push(json!("nope")),
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, at: &mut usize) -> Option<&'a mut Value> {
    if *at == 0 {
        return Some(value);
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, at)),
        Value::Object(map) => map.values_mut().find_map(|value| nth(value, at)),
        _ => None,
    }
}

/// A body that create accepts, unless it has too many tags altogether.
pub fn create_body() -> BoxedStrategy<Value> {
    let who = prop_oneof![
        (end_user().prop_map(Some), option::of(tags(1))),
        (Just(None), tags(1).prop_map(Some)),
    ];
    let allowed = vec(select(&INTEGRATIONS[..]).prop_map(Value::from), 0..4).prop_map(Value::from);
    (who, option::of(organization()), option::of(allowed), rest())
        .prop_flat_map(|((end_user, tags), organization, allowed, rest)| {
            let fields = [
                ("end_user", end_user),
                ("organization", organization),
                ("allowed_integrations", allowed),
                ("tags", tags),
            ];
            shuffled(fields.into_iter().chain(rest))
        })
        .boxed()
}

/// A body that reconnect accepts, unless it has too many tags altogether.
pub fn reconnect_body() -> BoxedStrategy<Value> {
    let who = (option::of(end_user()), option::of(organization()), option::of(tags(1)));
    (who, rest())
        .prop_flat_map(|((end_user, organization, tags), rest)| {
            let fields = [
                ("connection_id", Some(json!("conn-1"))),
                ("integration_id", Some(json!("github"))),
                ("end_user", end_user),
                ("organization", organization),
                ("tags", tags),
            ];
            shuffled(fields.into_iter().chain(rest))
        })
        .boxed()
}

type Field = (&'static str, Option<Value>);

/// The object of those fields that have a value, in any order.
fn shuffled(fields: impl IntoIterator<Item = Field>) -> BoxedStrategy<Value> {
    let fields: Vec<_> =
        fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    Just(fields).prop_shuffle().prop_map(|fields| Value::Object(Map::from_iter(fields))).boxed()
}

fn rest() -> BoxedStrategy<[Field; 3]> {
    let webhook_url = option::of(webhook_url().prop_map(Value::from));
    let defaults = option::of(per_integration(config_defaults()));
    let overrides = option::of(per_integration(docs_override()));
    (defaults, overrides, webhook_url)
        .prop_map(|(defaults, overrides, webhook_url)| {
            [
                ("integrations_config_defaults", defaults),
                ("overrides", overrides),
                ("webhook_url_override", webhook_url),
            ]
        })
        .boxed()
}

fn end_user() -> BoxedStrategy<Value> {
    let email = option::of(email().prop_map(Value::from));
    let name = option::of(prop_oneof![Just(String::new()), short_text()].prop_map(Value::from));
    (short_text(), email, name, option::of(tags(0)))
        .prop_flat_map(|(id, email, name, tags)| {
            let id = Some(json!(id));
            shuffled([("id", id), ("email", email), ("display_name", name), ("tags", tags)])
        })
        .boxed()
}

fn organization() -> BoxedStrategy<Value> {
    let text = || prop_oneof![Just(String::new()), short_text()].prop_map(Value::from);
    (text(), option::of(text()))
        .prop_flat_map(|(id, name)| shuffled([("id", Some(id)), ("display_name", name)]))
        .boxed()
}

/// Text of 1 to 255 units.
fn short_text() -> BoxedStrategy<String> {
    prop_oneof![
        Just("a".repeat(255)),
        Just(format!("{}a", "😀".repeat(127))),
        text().prop_filter_map("1 to 255 units", |text| {
            (1..=255).contains(&units(&text)).then_some(text)
        }),
    ]
    .boxed()
}

fn email() -> BoxedStrategy<String> {
    prop_oneof![
        8 => "[A-Za-z0-9_'+-]{0,5}[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]{0,4}\\.){1,3}[a-z]{2,4}",
        1 => Just(format!("{}@example.com", "long.".repeat(60) + "address")),
    ]
    .boxed()
}

/// At most ten tags, with values of at least `min` units.
fn tags(min: usize) -> BoxedStrategy<Value> {
    const KNOWN: [&str; 5] =
        ["end_user_id", "End_User_Email", "end_user_display_name", "organization_id", "__proto__"];
    let key = prop_oneof![
        1 => select(&KNOWN[..]).prop_map(str::to_owned),
        4 => "[a-zA-Z][a-zA-Z0-9_./-]{0,8}",
        1 => "[a-zA-Z]{64}",
    ];
    let least = Just("v".repeat(min));
    let value = prop_oneof![1 => least, 6 => short_text()];
    let entry = (key, value, email()).boxed();
    let entries = prop_oneof![2 => vec(entry.clone(), 0..6), 1 => vec(entry, 8..12)];
    entries
        .prop_map(|entries| {
            let mut tags = Map::new();
            for (key, value, email) in entries {
                let is_email = key.eq_ignore_ascii_case("end_user_email") && email.len() <= 255;
                if tags.len() < 10 && !tags.keys().any(|known| known.eq_ignore_ascii_case(&key)) {
                    if is_email {
                        tags.insert(key, json!(email));
                    } else if !key.eq_ignore_ascii_case("end_user_email") {
                        tags.insert(key, json!(value));
                    }
                }
            }
            Value::Object(tags)
        })
        .boxed()
}

/// An `http(s)` URL of a public host in the form in which it is stored, or none.
fn webhook_url() -> BoxedStrategy<String> {
    prop_oneof![
        1 => Just(String::new()),
        4 => "https?://[a-z]{1,8}\\.example(:8[0-9]{3})?(/[a-z]{0,4}(/[a-z]{0,4})?(\\?[a-z]=[0-9]/?)?)?",
    ].boxed()
}

fn per_integration(entry: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let keys = subsequence(&INTEGRATIONS[..], 0..4).prop_shuffle();
    (keys, vec(entry, 4), option::weighted(0.1, json()))
        .prop_map(|(keys, entries, proto)| {
            let entries = keys.into_iter().map(str::to_owned).zip(entries);
            let proto = proto.map(|value| ("__proto__".to_owned(), value));
            Value::Object(entries.chain(proto).collect())
        })
        .boxed()
}

fn config_defaults() -> BoxedStrategy<Value> {
    let texts = vec((key(), text().prop_map(Value::from)), 0..4)
        .prop_map(|entries| Value::Object(Map::from_iter(entries)));
    let scopes = || option::of(text().prop_map(Value::from));
    let url = option::of(webhook_url());
    let config = (object(), scopes(), url).prop_map(|(mut config, scopes, url)| {
        config.retain(|key, _| !["oauth_scopes_override", "webhook_url"].contains(&key.as_str()));
        config.extend(scopes.map(|scopes| ("oauth_scopes_override".to_owned(), scopes)));
        config.extend(url.map(|url| ("webhook_url".to_owned(), json!(url))));
        Value::Object(config)
    });
    (scopes(), option::of(texts), option::of(config))
        .prop_flat_map(|(scopes, params, config)| {
            let fields = [
                ("user_scopes", scopes),
                ("authorization_params", params),
                ("connection_config", config),
            ];
            shuffled(fields)
        })
        .boxed()
}

fn docs_override() -> BoxedStrategy<Value> {
    (option::of(text()), object())
        .prop_map(|(link, mut entry)| {
            entry.shift_remove("docs_connect");
            entry.extend(link.map(|link| ("docs_connect".to_owned(), json!(link))));
            Value::Object(entry)
        })
        .boxed()
}
