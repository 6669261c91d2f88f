//! `GET /connect/session`: contract section 3.

use serde_json::json;
use tests::{Call, World};

// R3 R5 R11
#[tokio::test]
async fn the_session_is_answered_whole_and_in_the_order_of_the_contract() {
    let world = World::start().await;
    let body = json!({
        "end_user": {
            "id": "u1", "email": "ada@example.com", "display_name": "Ada",
            "tags": { "zeta": "1", "Alpha": "" },
        },
        "organization": { "id": "o1", "display_name": "Engines" },
        "allowed_integrations": ["slack", "github", "slack"],
        "integrations_config_defaults": {
            "slack": {
                "user_scopes": "secret:scope",
                "authorization_params": { "z": "1", "a": "2" },
                "connection_config": { "zz": { "b": [1, 2.5, null], "a": 12_345_678_901_u64 }, "a": "" },
            },
            "github": {},
            "a": { "connection_config": {} },
        },
        "overrides": { "slack": { "docs_connect": "https://x.y", "other": 1 }, "github": {} },
        "webhook_url_override": "https://hooks.example.com/x",
        "tags": { "plan": "pro" },
    });
    let token = world.mint(body).await;
    let shown = json!({ "data": {
        "endUser": {
            "id": "u1", "display_name": "Ada", "email": "ada@example.com",
            "tags": { "zeta": "1", "Alpha": "" },
            "organization": { "id": "o1", "display_name": "Engines" },
        },
        "connectUISettings": {
            "showWatermark": true, "defaultTheme": "system",
            "theme": { "light": { "primary": "#00B2E3" }, "dark": { "primary": "#00B2E3" } },
        },
        "allowed_integrations": ["slack", "github", "slack"],
        "integrations_config_defaults": {
            "slack": {
                "connection_config": { "zz": { "b": [1, 2.5, null], "a": 12_345_678_901_u64 }, "a": "" },
                "authorization_params": { "z": "1", "a": "2" },
            },
            "github": {},
            "a": { "connection_config": {} },
        },
        "overrides": { "slack": { "docs_connect": "https://x.y" }, "github": {} },
        "websocketsPath": "/",
    } });
    // Reading neither extends nor consumes the session.
    for _ in 0..3 {
        world.get(&token).await.assert(200, &shown);
    }
}

// R8 R11
#[tokio::test]
async fn what_was_not_sent_is_absent_and_an_empty_choice_of_integrations_means_all() {
    let world = World::start().await;
    let shown = json!({ "data": {
        "endUser": null,
        "connectUISettings": {
            "showWatermark": true, "defaultTheme": "system",
            "theme": { "light": { "primary": "#00B2E3" }, "dark": { "primary": "#00B2E3" } },
        },
        "websocketsPath": "/",
    } });
    for body in [
        json!({ "tags": {} }),
        json!({ "tags": { "a": "b" }, "allowed_integrations": [] }),
        json!({ "tags": {}, "organization": { "id": "lost" } }),
    ] {
        let token = world.mint(body).await;
        world.get(&token).await.assert(200, &shown);
    }
}

// D15
#[tokio::test]
async fn maps_keep_the_order_in_which_they_were_sent() {
    let world = World::start().await;
    let config = r#"{"10":1,"b":1.0,"9":-0.0,"a":{"long":1e+100,"s":18446744073709551615}}"#;
    let body = format!(
        r#"{{"tags":{{}},"integrations_config_defaults":{{"slack":{{}},"a":{{"connection_config":{config}}}}}}}"#
    );
    let call = Call::new("POST", "/connect/sessions")
        .bearer(&world.secret_key)
        .header("content-type", "application/json")
        .body(body);
    let token = world.send(call).await.token();
    let read = world.get(&token).await.body;
    assert!(
        read.contains(&format!(r#"{{"slack":{{}},"a":{{"connection_config":{config}}}}}"#)),
        "{read}"
    );
}

// D2
#[tokio::test]
async fn u_0000_is_kept() {
    let world = World::start().await;
    let token =
        world.mint(json!({ "end_user": { "id": "a\u{0}b" }, "tags": { "t": "\u{0}" } })).await;
    assert_eq!(world.get(&token).await.json()["data"]["endUser"]["id"], json!("a\u{0}b"));
}

// D20
#[tokio::test]
async fn the_operator_may_set_the_websockets_path_and_the_look_of_the_ui() {
    let mut world = World::with(|name| (name == "WEBSOCKETS_PATH").then_some("/ws")).await;
    let before = world.mint(json!({ "tags": {} })).await;
    let look = json!({ "showWatermark": false, "theme": { "dark": { "primary": "#112233" } } });
    world.change_environment(json!({ "connect_ui": look })).await;
    let after = world.mint(json!({ "tags": {} })).await;
    let shown = world.get(&after).await;
    shown.assert(
        200,
        &json!({ "data": {
            "endUser": null,
            "connectUISettings": {
                "showWatermark": false,
                "theme": { "light": { "primary": "#00B2E3" }, "dark": { "primary": "#112233" } },
                "defaultTheme": "system",
            },
            "websocketsPath": "/ws",
        } }),
    );
    // A session keeps the appearance with which it was made.
    assert_eq!(
        world.get(&before).await.json()["data"]["connectUISettings"]["showWatermark"],
        json!(true)
    );
}

// D11
#[tokio::test]
async fn an_answer_is_never_cached_and_never_confirmed() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let reply = world.send(Call::get(&token).header("if-none-match", "*")).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")));
    assert_eq!(reply.header("etag"), None);
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    for (credential, status) in [(token.as_str(), 200), ("x", 401)] {
        let get = world.get(credential).await;
        let mut head = world.send(Call::new("HEAD", "/connect/session").bearer(credential)).await;
        assert_eq!((get.status, head.status, head.body.as_str()), (status, status, ""));
        // Servers add it to an answer that has a body; here it must come from the function.
        let length = head.headers.remove("content-length").expect("a length");
        assert_eq!(length, get.body.len().to_string());
        assert_eq!(head.headers, get.headers);
    }
}
