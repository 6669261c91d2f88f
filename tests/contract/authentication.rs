//! Who may call what: contract section 6.

use serde_json::{Value, json};
use tests::{Call, World};

fn refusal(code: &str) -> Value {
    let message = match code {
        "missing_auth_header" => "The request is missing the Authorization header.",
        "invalid_secret_key_format" => "The provided secret key is not a UUID v4.",
        "unknown_account" => "The provided authorization header does not match any account.",
        "invalid_connect_session_token_format" => {
            "The provided connect session token is not following correct format: \
             nango_connect_session_RANDOM)"
        }
        "unknown_connect_session_token" => {
            "The provided connect session token does not match any account."
        }
        other => panic!("{other}"),
    };
    json!({ "error": {
        "message": format!("Authentication failed. {message}"), "code": code, "payload": {},
    } })
}

fn create() -> Call {
    Call::new("POST", "/connect/sessions").json(&json!({ "tags": {} }))
}

// R13 D12
#[tokio::test]
async fn the_credential_is_what_follows_the_last_bearer_or_the_whole_header() {
    let world = World::start().await;
    let key = &world.secret_key;
    for header in [
        format!("Bearer {key}"),
        key.clone(),
        format!("Bearer nonsense Bearer {key}"),
        format!("  Bearer {key}  "),
    ] {
        let reply = world.send(create().header("authorization", &header)).await;
        assert_eq!(reply.status, 201, "{header}");
    }
    for (header, code) in [
        ("", "missing_auth_header"),
        (" \t ", "missing_auth_header"),
        ("Bearer", "invalid_secret_key_format"),
        (&format!("bearer {key}"), "invalid_secret_key_format"),
        (&format!("Bearer  {key}"), "invalid_secret_key_format"),
        (&format!("Bearer {{{key}}}"), "invalid_secret_key_format"),
        (&format!("Bearer {}", key.replace('-', "")), "invalid_secret_key_format"),
        (&format!("Bearer {key}\u{e9}"), "invalid_secret_key_format"),
        ("Bearer nango_sbx_v1_garbage", "unknown_account"),
        (&format!("Bearer {}", key.to_uppercase()), "unknown_account"),
    ] {
        let reply = world.send(create().header("authorization", header)).await;
        reply.assert(401, &refusal(code));
    }
    world.send(create()).await.assert(401, &refusal("missing_auth_header"));
}

// R14 R15
#[tokio::test]
async fn a_secret_key_opens_no_session_and_a_token_makes_none() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    for call in [Call::get(&world.secret_key), Call::delete(&world.secret_key)] {
        world.send(call).await.assert(401, &refusal("invalid_connect_session_token_format"));
    }
    let body = json!({ "connection_id": "conn-1", "integration_id": "github" });
    for call in [create().bearer(&token), Call::reconnect(&token, &body)] {
        world.send(call).await.assert(401, &refusal("invalid_secret_key_format"));
    }
    assert_eq!(world.get(&token).await.status, 200);
}

// R13
#[tokio::test]
async fn a_scope_or_a_wildcard_that_covers_it_lets_a_key_make_sessions() {
    let mut world = World::start().await;
    let denied = json!({ "error": {
        "code": "forbidden",
        "message": "Insufficient scope. Required: environment:connect_sessions:write",
    } });
    for (scope, is_enough) in [
        ("environment:connect_sessions:write", true),
        ("environment:connect_sessions:*", true),
        ("environment:*", true),
        ("environment:connect_sessions:read", false),
        ("environment:connect_sessions", false),
        ("environment:connect*", false),
        ("environment*", false),
        ("*", false),
        ("account:*", false),
    ] {
        let key = json!({ "name": "server", "scopes": ["environment:other", scope] });
        world.change_environment(json!({ "secret_keys": [key] })).await;
        let reply = world.create(json!({ "tags": {} })).await;
        if is_enough {
            assert_eq!(reply.status, 201, "{scope}");
        } else {
            reply.assert(403, &denied);
        }
    }
}

// R12 R19
#[tokio::test]
async fn one_answer_covers_every_token_that_opens_nothing() {
    let world = World::start().await;
    let never_minted = format!("nango_connect_session_{}", "0".repeat(64));
    let deleted = world.mint(json!({ "tags": {} })).await;
    assert_eq!(world.delete(&deleted).await.status, 204);
    for token in [never_minted, deleted] {
        let refusal = refusal("unknown_connect_session_token");
        world.get(&token).await.assert(401, &refusal);
        world.delete(&token).await.assert(401, &refusal);
    }
}
