//! `POST /connect/sessions`: contract section 1.

use serde_json::{Value, json};
use tests::{Call, World};

// R1 R9
#[tokio::test]
async fn a_session_is_answered_with_token_link_and_end() {
    let world = World::start().await;
    let reply = world.create(json!({ "end_user": { "id": "u1" } })).await;
    let token = reply.token();
    let hex = token.strip_prefix("nango_connect_session_").expect("the prefix");
    assert!(hex.len() == 64 && hex.bytes().all(|b| b"0123456789abcdef".contains(&b)), "{token}");
    reply.assert(
        201,
        &json!({ "data": {
            "token": token,
            "connect_link": format!("http://localhost:3009/?session_token={token}"),
            "expires_at": "2026-11-22T13:08:27.690Z",
        } }),
    );
}

// R9
#[tokio::test]
async fn every_call_makes_another_session() {
    let world = World::start().await;
    let body = json!({ "end_user": { "id": "u1" } });
    let (first, second) = (world.mint(body.clone()).await, world.mint(body).await);
    assert_ne!(first, second);
    assert_eq!(world.get(&first).await.status, 200);
    assert_eq!(world.get(&second).await.status, 200);
}

// R3 R8
#[tokio::test]
async fn an_end_user_is_required_unless_tags_stand_in_its_place() {
    let world = World::start().await;
    let missing = |received: &str| {
        json!([{ "code": "invalid_type",
                 "message": format!("Invalid input: expected object, received {received}"),
                 "path": ["end_user"] }])
    };
    for (body, received) in [
        (json!({}), "undefined"),
        (json!({ "organization": { "id": "o" } }), "undefined"),
        (json!({ "allowed_integrations": ["github"] }), "undefined"),
        (json!({ "tags": {}, "end_user": null }), "null"),
    ] {
        world.create(body).await.assert_issues(&missing(received));
    }
    for body in [
        json!({ "tags": {} }),
        json!({ "end_user": { "id": "u" } }),
        json!({ "tags": {}, "end_user": { "id": "u" } }),
        json!({ "tags": {}, "organization": { "id": "o" } }),
    ] {
        assert_eq!(world.create(body.clone()).await.status, 201, "{body}");
    }
}

#[tokio::test]
async fn every_issue_is_told_at_once_in_the_order_of_the_schema() {
    let world = World::start().await;
    let body = json!({
        "zzz": 1,
        "tags": { "ok": "", "1": "x", "__proto__": 7, "n": 1 },
        "webhook_url_override": 7,
        "overrides": { "a/b": 1, "github": { "docs_connect": null, "other": 1 } },
        "integrations_config_defaults": {
            "github": {
                "zz": 1,
                "connection_config": { "oauth_scopes_override": 1 },
                "authorization_params": { "p": true },
                "user_scopes": 1,
            },
            "": {},
        },
        "allowed_integrations": ["", 1, "ok", "x".repeat(256)],
        "organization": { "zz": 1, "display_name": 5 },
        "end_user": { "tags": [], "display_name": "x".repeat(256), "email": "", "id": 5, "zz": 1 },
        "aaa": 1,
    });
    let issue = |code: &str, message: &str, path: &[&str]| json!({ "code": code, "message": message, "path": path });
    let wrong = |expected: &str, received: &str, path: &[&str]| {
        let message = format!("Invalid input: expected {expected}, received {received}");
        issue("invalid_type", &message, path)
    };
    let pattern = "Invalid string: must match pattern /^[a-zA-Z0-9~:.@ _-]+$/";
    let too_long = "Too big: expected string to have <=255 characters";
    let defaults = "integrations_config_defaults";
    world.create(body).await.assert_issues(&json!([
        wrong("string", "number", &["end_user", "id"]),
        issue("invalid_format", "Invalid email address", &["end_user", "email"]),
        issue(
            "too_small",
            "Too small: expected string to have >=5 characters",
            &["end_user", "email"]
        ),
        issue("too_big", too_long, &["end_user", "display_name"]),
        wrong("record", "array", &["end_user", "tags"]),
        issue("unrecognized_keys", "Unrecognized key: \"zz\"", &["end_user"]),
        wrong("string", "undefined", &["organization", "id"]),
        wrong("string", "number", &["organization", "display_name"]),
        issue("unrecognized_keys", "Unrecognized key: \"zz\"", &["organization"]),
        issue("invalid_format", pattern, &["allowed_integrations", "0"]),
        wrong("string", "number", &["allowed_integrations", "1"]),
        issue("too_big", too_long, &["allowed_integrations", "3"]),
        wrong("string", "number", &[defaults, "github", "user_scopes"]),
        wrong("string", "boolean", &[defaults, "github", "authorization_params", "p"]),
        wrong(
            "string",
            "number",
            &[defaults, "github", "connection_config", "oauth_scopes_override"]
        ),
        issue("unrecognized_keys", "Unrecognized key: \"zz\"", &[defaults, "github"]),
        issue("invalid_key", "Invalid key in record", &[defaults, ""]),
        issue("invalid_key", "Invalid key in record", &["overrides", "a/b"]),
        wrong("string", "null", &["overrides", "github", "docs_connect"]),
        issue("invalid_union", "Invalid input", &["webhook_url_override"]),
        issue("too_small", "Too small: expected string to have >=1 characters", &["tags", "ok"]),
        issue("invalid_key", "Invalid key in record", &["tags", "1"]),
        wrong("string", "number", &["tags", "n"]),
        issue("unrecognized_keys", "Unrecognized keys: \"zzz\", \"aaa\"", &[]),
    ]));
}

#[tokio::test]
async fn lengths_count_utf_16_code_units() {
    let world = World::start().await;
    let emoji = "\u{1f980}".repeat(127);
    let too_long = json!([{ "code": "too_big",
        "message": "Too big: expected string to have <=255 characters", "path": ["end_user", "id"] }]);
    let body = |id: String| json!({ "end_user": { "id": id } });
    assert_eq!(world.create(body(format!("{emoji}x"))).await.status, 201);
    world.create(body(format!("{emoji}xy"))).await.assert_issues(&too_long);
    world.create(body("\u{1f980}".repeat(128))).await.assert_issues(&too_long);
}

#[tokio::test]
async fn an_array_in_the_place_of_a_string_is_told_of_its_length_too() {
    let world = World::start().await;
    let wrong = |path: &[&str]| {
        json!({ "code": "invalid_type",
        "message": "Invalid input: expected string, received array", "path": path })
    };
    let few = |least: usize, path: &[&str]| {
        json!({ "code": "too_small",
        "message": format!("Too small: expected array to have >={least} items"), "path": path })
    };
    let many = |path: &[&str]| {
        json!({ "code": "too_big",
        "message": "Too big: expected array to have <=255 items", "path": path })
    };
    let (id, email) = (["end_user", "id"], ["end_user", "email"]);
    let (name, key) = (["end_user", "display_name"], ["allowed_integrations", "0"]);
    let long = vec![0; 256];
    let body = json!({ "end_user": { "id": [], "email": [1], "display_name": long },
        "allowed_integrations": [long], "tags": { "a": [] } });
    world.create(body).await.assert_issues(&json!([
        wrong(&id),
        few(1, &id),
        wrong(&email),
        few(5, &email),
        wrong(&name),
        many(&name),
        wrong(&key),
        many(&key),
        wrong(&["tags", "a"]),
        few(1, &["tags", "a"]),
    ]));
}

#[tokio::test]
async fn an_answer_tells_a_thousand_issues_at_most() {
    let world = World::start().await;
    let body = json!({ "tags": {}, "allowed_integrations": vec![1; 100_000] });
    let reply = world.create(body).await;
    assert_eq!(reply.json()["error"]["errors"].as_array().map(Vec::len), Some(1_000));
}

#[tokio::test]
async fn null_never_stands_for_absent() {
    let world = World::start().await;
    for field in [
        "organization",
        "allowed_integrations",
        "integrations_config_defaults",
        "overrides",
        "webhook_url_override",
        "tags",
    ] {
        let mut body = json!({ "end_user": { "id": "u" } });
        body[field] = Value::Null;
        let reply = world.create(body).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]["errors"][0]["path"]),
            (400, &json!([field]))
        );
    }
}

// R4
#[tokio::test]
async fn every_named_integration_must_exist_and_misses_are_told_together() {
    let world = World::start().await;
    let body = json!({
        "tags": {},
        "allowed_integrations": ["nope", "github", "GitHub", "nope"],
        "integrations_config_defaults": { "slack": {}, "x": {} },
        "overrides": { "y": {}, "my integration": {} },
    });
    let miss = |path: [&str; 2]| json!({ "code": "custom", "message": "Integration does not exist", "path": path });
    world.create(body).await.assert_issues(&json!([
        miss(["allowed_integrations", "0"]),
        miss(["allowed_integrations", "2"]),
        miss(["allowed_integrations", "3"]),
        miss(["integrations_config_defaults", "x"]),
        miss(["overrides", "y"]),
    ]));
}

// D14
#[tokio::test]
async fn an_environment_may_forbid_documentation_links() {
    let mut world = World::start().await;
    let linked =
        json!({ "tags": {}, "overrides": { "github": { "docs_connect": "https://x.y" } } });
    assert_eq!(world.create(linked.clone()).await.status, 201);
    world.change_environment(json!({ "allow_docs_connect_override": false })).await;
    let message = "You are not allowed to override the docs connect url";
    let denied = json!({ "error": { "code": "forbidden", "message": message } });
    world.create(linked.clone()).await.assert(403, &denied);
    for link in [json!({}), json!({ "docs_connect": "" })] {
        let body = json!({ "tags": {}, "overrides": { "github": link } });
        assert_eq!(world.create(body).await.status, 201);
    }
    // A name that does not exist is reported first.
    let unknown = json!({ "tags": {}, "overrides": { "x": { "docs_connect": "https://x.y" } } });
    assert_eq!(world.create(unknown).await.status, 400);
}

// D16
#[tokio::test]
async fn the_link_keeps_the_path_and_the_query_of_the_base_url() {
    for (base, start, end) in [
        ("https://example.com/nango/connect", "https://example.com/nango/connect/?", ""),
        ("https://example.com/connect/#top", "https://example.com/connect/?", ""),
        (
            "https://ui.example.com?apiURL=https%3A%2F%2Fapi.example.com",
            "https://ui.example.com/?",
            "&apiURL=https%3A%2F%2Fapi.example.com",
        ),
    ] {
        let world = World::with(|name| (name == "CONNECT_UI_URL").then_some(base)).await;
        let reply = world.create(json!({ "tags": {} })).await;
        let link = format!("{start}session_token={}{end}", reply.token());
        assert_eq!(reply.json()["data"]["connect_link"], json!(link));
    }
}

// D18
#[tokio::test]
async fn headers_of_the_official_sdk_change_nothing() {
    let world = World::start().await;
    let call = Call::create(&world.secret_key, &json!({ "tags": {} }))
        .header("nango-is-script", "true")
        .header("nango-is-sync", "false")
        .header("nango-is-dry-run", "false")
        .header("user-agent", "nango-node-client/0.71.0 (linux/6.1; node.js/v22.0.0)");
    assert_eq!(world.send(call).await.status, 201);
}
