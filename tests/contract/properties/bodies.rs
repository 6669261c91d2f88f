//! Bodies of create and reconnect.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use session::connect_session::ConnectSession;
use session::token::SessionToken;
use tests::Reply;

use super::drawn_bodies::{bodies, create_body, reconnect_body};
use super::parsers::is_email;
use super::{check, units, world};

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

/// The outcome of a body. Asserts that an error points at a value of the body, or at one that is
/// missing from an object of it.
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

/// The tags of a session (section 7.1 of the contract), or `None` if they are too many.
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

/// The answer of GET (section 3 of the contract).
struct View {
    end_user: Value,
    allowed: Value,
    defaults: Option<Value>,
    is_reconnecting: bool,
    overrides: Option<Value>,
}

/// The view of the fields that both bodies have.
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
