//! `POST /connect/sessions/reconnect`: contract section 2.

use serde_json::json;
use tests::World;

// R10
#[tokio::test]
async fn a_session_is_made_for_one_connection_that_exists() {
    let world = World::start().await;
    let reply =
        world.reconnect(json!({ "connection_id": "conn-1", "integration_id": "github" })).await;
    let token = reply.token();
    reply.assert(
        201,
        &json!({ "data": {
            "token": token,
            "connect_link": format!("http://localhost:3009/?session_token={token}"),
            "expires_at": "2026-11-22T13:08:27.690Z",
        } }),
    );
    let read = world.get(&token).await.json();
    assert_eq!(read["data"]["allowed_integrations"], json!(["github"]));
    assert_eq!(read["data"]["isReconnecting"], json!(true));
    let item = world.session_items().await.remove(0);
    let connection = item["connection"].as_s().expect("text");
    assert_eq!(connection, r#"{"integration_id":"github","connection_id":"conn-1"}"#);
}

// R10
#[tokio::test]
async fn any_other_connection_is_refused_in_one_way() {
    let world = World::start().await;
    let refused = json!({ "error": {
        "code": "invalid_body", "message": "ConnectionID or IntegrationId does not exists",
    } });
    for (connection, integration) in [
        ("conn-2", "github"),
        ("conn-1", "slack"),
        ("conn-1", "nope"),
        ("conn-1", "GITHUB"),
        (r#"{"a":["b"]}"#, "github"),
    ] {
        let body = json!({
            "connection_id": connection, "integration_id": integration,
            "overrides": { "nope": {} },
        });
        world.reconnect(body).await.assert(400, &refused);
    }
}

#[tokio::test]
async fn every_issue_is_told_at_once_in_the_order_of_the_schema() {
    let world = World::start().await;
    let body = json!({
        "allowed_integrations": [],
        "tags": { "end_user_email": "x" },
        "end_user": {},
        "integration_id": "a/b",
        "connection_id": format!("{}\u{e9}", "x".repeat(255)),
    });
    world.reconnect(body).await.assert_issues(&json!([
        { "code": "invalid_format",
          "message": r#"Invalid string: must match pattern /^[a-zA-Z0-9,.;:=+~[\]|@${}"'\\/_ -]+$/"#,
          "path": ["connection_id"] },
        { "code": "too_big", "message": "Too big: expected string to have <=255 characters",
          "path": ["connection_id"] },
        { "code": "invalid_format",
          "message": "Invalid string: must match pattern /^[a-zA-Z0-9~:.@ _-]+$/",
          "path": ["integration_id"] },
        { "code": "invalid_type", "message": "Invalid input: expected string, received undefined",
          "path": ["end_user", "id"] },
        { "code": "custom", "message": "Tag \"end_user_email\" must be a valid email",
          "path": ["tags"] },
        { "code": "unrecognized_keys", "message": "Unrecognized key: \"allowed_integrations\"",
          "path": [] },
    ]));
    let missing = |key: &str| {
        json!({ "code": "invalid_type",
        "message": "Invalid input: expected string, received undefined", "path": [key] })
    };
    let issues = json!([missing("connection_id"), missing("integration_id")]);
    world.reconnect(json!({})).await.assert_issues(&issues);
}

// R5
#[tokio::test]
async fn defaults_may_name_any_integration_and_docs_links_may_be_forbidden() {
    let mut world = World::start().await;
    let body = |extra: serde_json::Value| {
        let mut body = json!({ "connection_id": "conn-1", "integration_id": "github" });
        body.as_object_mut()
            .expect("an object")
            .extend(extra.as_object().cloned().unwrap_or_default());
        body
    };
    let defaults = json!({ "integrations_config_defaults": { "slack": { "user_scopes": "a" } } });
    assert_eq!(world.reconnect(body(defaults)).await.status, 201);
    let unknown = json!({ "overrides": { "y": {} }, "integrations_config_defaults": { "x": {} } });
    let miss = |path: [&str; 2]| json!({ "code": "custom", "message": "Integration does not exist", "path": path });
    let misses = json!([miss(["integrations_config_defaults", "x"]), miss(["overrides", "y"])]);
    world.reconnect(body(unknown)).await.assert_issues(&misses);

    let linked = json!({ "overrides": { "github": { "docs_connect": "https://x.y" } } });
    assert_eq!(world.reconnect(body(linked.clone())).await.status, 201);
    world.change_environment(json!({ "allow_docs_connect_override": false })).await;
    assert_eq!(world.reconnect(body(linked)).await.status, 403);
}

#[tokio::test]
async fn the_end_user_on_record_is_shown_and_the_one_that_was_sent_is_kept_and_tagged() {
    let mut world = World::start().await;
    let stored =
        json!({ "id": "stored", "email": "stored@example.com", "tags": { "Plan": "pro" } });
    let connection = json!({ "connection_id": "conn-1", "integration_id": "github",
        "end_user": stored, "organization": { "id": "o" }, "tags": { "old": "tag" } });
    world.change_environment(json!({ "connections": [connection] })).await;
    let body = json!({ "connection_id": "conn-1", "integration_id": "github",
        "end_user": { "id": "sent" }, "tags": { "New": "tag" } });
    let token = world.reconnect(body).await.token();
    let shown = world.get(&token).await.json();
    assert_eq!(
        shown["data"]["endUser"],
        json!({ "id": "stored", "display_name": null, "email": "stored@example.com",
                "tags": { "Plan": "pro" }, "organization": { "id": "o", "display_name": null } })
    );
    let token = session::token::SessionToken::parse(&token).expect("a token");
    let session = world.app.tables.session(&token.hash()).await.expect("an answer").expect("one");
    assert_eq!(json!(session.tags), json!({ "end_user_id": "sent", "new": "tag" }));
    assert_eq!(session.end_user.expect("an end user").id, "sent");
}
