//! Bodies of create and reconnect.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};
use session::connect_session::ConnectSession;
use session::token::SessionToken;
use tests::Reply;

use super::parsers::is_email;
use super::{check, json, key, object, text, units, world};

/// The integrations of the world's environment.
const INTEGRATIONS: [&str; 5] = ["github", "slack", "my integration", "hubspot", "a"];

#[test]
fn any_json_is_a_good_create_body_or_one_whose_issues_point_into_it() {
    let (runtime, world) = world();
    check(bodies(create_body()), &["created", "invalid_body", "invalid_json"], |body| {
        judge(&body, &runtime.block_on(world.create(body.clone())))
    });
}

#[test]
fn any_json_is_a_good_reconnect_body_or_one_whose_issues_point_into_it() {
    let (runtime, world) = world();
    let outcomes = ["created", "invalid_body", "invalid_json", "unknown connection"];
    let to_another = reconnect_body().prop_map(|mut body| {
        body["connection_id"] = json!("conn-2");
        body
    });
    let good = prop_oneof![3 => reconnect_body(), 1 => to_another];
    check(bodies(good.boxed()), &outcomes, |body| {
        judge(&body, &runtime.block_on(world.reconnect(body.clone())))
    });
}

#[test]
fn what_create_accepts_is_what_get_answers_and_what_is_stored() {
    let (runtime, world) = world();
    check(create_body(), &["created", "too many tags"], |body| {
        runtime.block_on(async {
            let reply = world.create(body.clone()).await;
            let is_organization_used = body.get("end_user").is_some();
            let Some(tags) = merged_tags(&body, is_organization_used) else {
                return too_many_tags(&reply);
            };
            let token = reply.token();
            assert_stored(&stored(&token).await, &body, &tags);
            let mut view = view(&body);
            if let Some(allowed) = body.get("allowed_integrations") {
                view.allowed = allowed.clone();
            }
            world.get(&token).await.assert(200, &view.into_json());
            "created"
        })
    });
}

#[test]
fn what_reconnect_accepts_is_what_get_answers_and_what_is_stored() {
    let (runtime, world) = world();
    check(reconnect_body(), &["created", "too many tags"], |body| {
        runtime.block_on(async {
            let reply = world.reconnect(body.clone()).await;
            let Some(tags) = merged_tags(&body, true) else {
                return too_many_tags(&reply);
            };
            let token = reply.token();
            assert_stored(&stored(&token).await, &body, &tags);
            let mut view = view(&body);
            view.allowed = json!([body["integration_id"]]);
            view.is_reconnecting = true;
            world.get(&token).await.assert(200, &view.into_json());
            "created"
        })
    });
}

/// Says what became of a body, and that an error points at what is there, or at what is missing
/// from an object that is there.
fn judge(body: &Value, reply: &Reply) -> &'static str {
    let error = &reply.json()["error"];
    reply.assert_headers();
    match (reply.status, error["code"].as_str(), error["errors"].as_array()) {
        (201, None, None) => "created",
        (400, Some("invalid_json"), None) => {
            assert!(!body.is_object() && !body.is_array(), "{reply:?}");
            "invalid_json"
        }
        (400, Some("invalid_body"), None) => {
            assert_eq!(error["message"], "ConnectionID or IntegrationId does not exists");
            "unknown connection"
        }
        (400, Some("invalid_body"), Some(issues)) => {
            assert!(!issues.is_empty(), "{reply:?}");
            for issue in issues {
                assert_points_into(body, issue);
            }
            "invalid_body"
        }
        _ => panic!("{reply:?}"),
    }
}

fn assert_points_into(body: &Value, issue: &Value) {
    let keys: Vec<_> = issue.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["code", "message", "path"]);
    let message = issue["message"].as_str().expect("a string");
    let mut place = Some(body);
    for segment in issue["path"].as_array().expect("an array") {
        let segment = segment.as_str().expect("a string");
        place = match place {
            Some(Value::Object(map)) => map.get(segment),
            Some(Value::Array(items)) => {
                let item = items.get(segment.parse::<usize>().expect("an index"));
                Some(item.unwrap_or_else(|| panic!("no such item: {issue}")))
            }
            _ => panic!("no such place: {issue}"),
        };
    }
    // A key may be missing only where something about its absence is said.
    let is_missing = message.ends_with("received undefined");
    let is_about_merged_tags = message == "Tags cannot contain more than 10 keys";
    assert!(place.is_some() != is_missing || is_about_merged_tags, "{issue}");
    if let (Some((_, received)), Some(place)) = (message.split_once("received "), place) {
        assert_eq!(received, type_name(place), "{issue}");
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn too_many_tags(reply: &Reply) -> &'static str {
    reply.assert_issues(&json!([{
        "code": "custom",
        "message": "Tags cannot contain more than 10 keys",
        "path": ["tags"],
    }]));
    "too many tags"
}

async fn stored(token: &str) -> ConnectSession {
    let (_, world) = world();
    let token = SessionToken::parse(token).expect("a token");
    let session = world.app.tables.session(&token.hash()).await.expect("an answer");
    session.expect("a session")
}

fn assert_stored(session: &ConnectSession, body: &Value, tags: &BTreeMap<String, String>) {
    assert_eq!(json!(session.tags), json!(tags));
    let user_scopes = |(key, entry): (&String, &Value)| {
        (key != "__proto__").then(|| (key.clone(), entry.get("user_scopes").cloned()))
    };
    let sent = body.get("integrations_config_defaults").and_then(Value::as_object);
    let sent: Option<Vec<_>> = sent.map(|sent| sent.iter().filter_map(user_scopes).collect());
    let stored = session.integrations_config_defaults.as_ref().map(|stored| {
        let scopes = stored.iter().map(|(key, entry)| {
            (key.as_str().to_owned(), entry.user_scopes.clone().map(Value::from))
        });
        scopes.collect()
    });
    assert_eq!(stored, sent);

    let nested = body.get("integrations_config_defaults").and_then(Value::as_object);
    let nested = nested.into_iter().flatten().filter(|(key, _)| *key != "__proto__");
    let first_nested = nested
        .filter_map(|(_, entry)| entry.get("connection_config")?.get("webhook_url")?.as_str())
        .find(|url| !url.is_empty());
    let override_sent = body.get("webhook_url_override").and_then(Value::as_str);
    let expected = override_sent.or(first_nested).filter(|url| !url.is_empty());
    assert_eq!(session.webhook_url_override.as_deref(), expected);
}

/// Section 7.1 of the contract: the tags of a session; `None` where they are too many.
fn merged_tags(body: &Value, is_organization_used: bool) -> Option<BTreeMap<String, String>> {
    let is_valid = |tags: &BTreeMap<String, String>| {
        tags.len() <= 10
            && tags.values().all(|value| (1..=255).contains(&units(value)))
            && tags.get("end_user_email").is_none_or(|email| is_email(email))
    };
    let mut base = BTreeMap::new();
    for (of, field, tag) in [
        ("end_user", "id", "end_user_id"),
        ("end_user", "email", "end_user_email"),
        ("end_user", "display_name", "end_user_display_name"),
        ("organization", "id", "organization_id"),
        ("organization", "display_name", "organization_display_name"),
    ] {
        if of == "organization" && !is_organization_used {
            continue;
        }
        if let Some(value) = body.get(of).and_then(|of| of.get(field)?.as_str())
            && !value.is_empty()
        {
            let mut value = value.to_owned();
            while units(&value) > 255 {
                value.pop();
            }
            base.insert(tag.to_owned(), value);
        }
    }
    let tags_of = |value: Option<&Value>| {
        let tags = value.and_then(Value::as_object).into_iter().flatten();
        let tags = tags
            .filter(|(key, _)| *key != "__proto__")
            .map(|(key, value)| (key.to_lowercase(), value.as_str().expect("a string").to_owned()));
        tags.collect::<BTreeMap<_, _>>()
    };
    let mut merged = base.clone();
    merged.extend(tags_of(body.get("end_user").and_then(|end_user| end_user.get("tags"))));
    if !is_valid(&merged) {
        merged = if is_valid(&base) { base } else { BTreeMap::new() };
    }
    merged.extend(tags_of(body.get("tags")));
    (merged.len() <= 10).then_some(merged)
}

/// What GET answers (section 3 of the contract).
struct View {
    end_user: Value,
    allowed: Value,
    defaults: Option<Value>,
    is_reconnecting: bool,
    overrides: Option<Value>,
}

/// The view of what both bodies carry.
fn view(body: &Value) -> View {
    let filled = |of: &Value, field: &str| match of.get(field) {
        Some(value) if value != "" => value.clone(),
        _ => Value::Null,
    };
    let organization = body.get("organization").map(|organization| {
        json!({
            "id": organization["id"],
            "display_name": filled(organization, "display_name"),
        })
    });
    let end_user = body.get("end_user").map(|end_user| {
        json!({
            "id": end_user["id"],
            "display_name": filled(end_user, "display_name"),
            "email": filled(end_user, "email"),
            "tags": end_user.get("tags").map(|tags| without_proto(tags.clone())),
            "organization": organization,
        })
    });
    let entries = |field: &str, entry: fn(&Value) -> Value| {
        let entries = without_proto(body.get(field)?.clone());
        let entries = entries.as_object().expect("an object").iter();
        Some(Value::Object(entries.map(|(key, value)| (key.clone(), entry(value))).collect()))
    };
    View {
        end_user: end_user.unwrap_or_default(),
        allowed: json!([]),
        defaults: entries("integrations_config_defaults", |entry| {
            let mut shown = Map::new();
            if let Some(config) = entry.get("connection_config") {
                let mut config = without_proto(config.clone());
                let taken = config.as_object_mut().expect("an object").shift_remove("webhook_url");
                if taken.is_none() || config != json!({}) {
                    shown.insert("connection_config".to_owned(), config);
                }
            }
            if let Some(params) = entry.get("authorization_params") {
                shown.insert("authorization_params".to_owned(), without_proto(params.clone()));
            }
            Value::Object(shown)
        }),
        is_reconnecting: false,
        overrides: entries("overrides", |entry| {
            let link = entry.get("docs_connect");
            link.map_or(json!({}), |link| json!({ "docs_connect": link }))
        }),
    }
}

impl View {
    fn into_json(self) -> Value {
        let mut data = json!({
            "endUser": self.end_user,
            "connectUISettings": {
                "showWatermark": true,
                "defaultTheme": "system",
                "theme": { "light": { "primary": "#00B2E3" }, "dark": { "primary": "#00B2E3" } },
            },
        });
        if self.allowed != json!([]) {
            data["allowed_integrations"] = self.allowed;
        }
        if let Some(defaults) = self.defaults {
            data["integrations_config_defaults"] = defaults;
        }
        if self.is_reconnecting {
            data["isReconnecting"] = json!(true);
        }
        if let Some(overrides) = self.overrides {
            data["overrides"] = overrides;
        }
        data["websocketsPath"] = json!("/");
        json!({ "data": data })
    }
}

fn without_proto(mut map: Value) -> Value {
    map.as_object_mut().expect("an object").shift_remove("__proto__");
    map
}

/// Good bodies, bodies that were good before they were changed in a few places, and any JSON.
fn bodies(good: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
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

/// A body that create accepts, unless its tags are too many together.
fn create_body() -> BoxedStrategy<Value> {
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

/// A body that reconnect accepts, unless its tags are too many together.
fn reconnect_body() -> BoxedStrategy<Value> {
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

/// An `http(s)` URL of an outside host in the form that it is stored in, or none.
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
