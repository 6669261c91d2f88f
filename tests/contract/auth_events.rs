//! Which webhooks report a change of a connection, to which receivers, and with which body
//! (contract section 7.3, section 13 of the flow). They are written in the same transaction as the
//! change.

use serde_json::{Value, json};
use tests::{Call, Fault, Flow};

const HOOK: &str = "https://hooks.example.com/own";
const UNAUTHENTICATED: &str = "/auth/unauthenticated/unauth";

/// The webhooks that were made since the last call, as receiver and body.
async fn told(flow: &Flow) -> Vec<(String, String)> {
    let events = flow.world.take_events().await;
    events.into_iter().map(|event| (event.url, event.body)).collect()
}

fn primary(flow: &Flow) -> String {
    format!("http://{}/primary", flow.provider.webhooks)
}

async fn set_webhooks(flow: &mut Flow, webhooks: Value) {
    flow.world.change_environment(json!({ "webhooks": webhooks })).await;
}

#[tokio::test]
async fn a_new_connection_is_told_with_sorted_keys_and_text_as_it_is() {
    let flow = Flow::start().await;
    let session = json!({
        "end_user": {
            "id": "u1", "email": "ada@example.com", "tags": { "Zone": "b", "area": "é\u{2028}" },
        },
        "organization": { "id": "o1" },
        "tags": { "plan": "größe", "Alpha": "1" },
    });
    let token = flow.world.mint(session).await;
    let id = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let body = format!(
        "{{\"authMode\":\"NONE\",\"connectionId\":\"{id}\",\"endUser\":{{\
         \"endUserEmail\":\"ada@example.com\",\"endUserId\":\"u1\",\"organizationId\":\"o1\",\
         \"tags\":{{\"Zone\":\"b\",\"area\":\"é\u{2028}\"}}}},\"environment\":\"dev\",\
         \"from\":\"nango\",\"operation\":\"creation\",\"provider\":\"unauthenticated\",\
         \"providerConfigKey\":\"unauth\",\"success\":true,\"tags\":{{\"alpha\":\"1\",\
         \"area\":\"é\u{2028}\",\"end_user_email\":\"ada@example.com\",\"end_user_id\":\"u1\",\
         \"organization_id\":\"o1\",\"plan\":\"größe\",\"zone\":\"b\"}},\"type\":\"auth\"}}"
    );
    assert_eq!(told(&flow).await, [(primary(&flow), body)]);
}

#[tokio::test]
async fn a_session_without_end_user_tells_none() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let id = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let body = format!(
        "{{\"authMode\":\"NONE\",\"connectionId\":\"{id}\",\"environment\":\"dev\",\
         \"from\":\"nango\",\"operation\":\"creation\",\"provider\":\"unauthenticated\",\
         \"providerConfigKey\":\"unauth\",\"success\":true,\"tags\":{{}},\"type\":\"auth\"}}"
    );
    assert_eq!(told(&flow).await, [(primary(&flow), body)]);
}

// R7
#[tokio::test]
async fn a_connection_that_is_connected_again_tells_the_tags_that_it_has() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": { "plan": "pro" } })).await;
    let id = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    told(&flow).await;
    for (tags, expected) in [
        (json!({}), json!({ "plan": "pro" })),
        (json!({ "plan": "free" }), json!({ "plan": "free" })),
    ] {
        let body = json!({ "connection_id": id, "integration_id": "unauth", "tags": tags });
        let token = flow.world.reconnect(body).await.token();
        flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
        let [(_, body)] = told(&flow).await.try_into().expect("one webhook");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&body["operation"], &body["tags"]), (&json!("override"), &expected));
        assert_eq!((&body["connectionId"], &body["success"]), (&json!(id), &json!(true)));
    }
}

#[tokio::test]
async fn imports_are_told_and_never_name_an_end_user() {
    let flow = Flow::start().await;
    let body = json!({
        "provider_config_key": "basic-plain", "connection_id": "imported",
        "credentials": { "type": "BASIC", "username": "u", "password": "p" },
        "end_user": { "id": "u1" }, "tags": { "a": "b" },
    });
    for operation in ["creation", "override"] {
        let reply = flow.ask("POST", "/connections", Some(&body)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let [(url, body)] = told(&flow).await.try_into().expect("one webhook");
        assert_eq!(url, primary(&flow));
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["operation"], operation);
        assert_eq!((&body["authMode"], &body["endUser"]), (&json!("BASIC"), &Value::Null));
        assert_eq!(body["tags"]["a"], "b");
    }
}

// D35
#[tokio::test]
async fn a_deletion_is_told_once_that_is_switched_on() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "end_user": { "id": "u1" }, "tags": { "a": "b" } })).await;
    for is_on in [false, true] {
        set_webhooks(&mut flow, json!({ "on_connection_deletion": is_on })).await;
        let id = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
        told(&flow).await;
        let path = tests::flow::connection_path("unauth", &id);
        assert_eq!(flow.ask("DELETE", &path, None).await.status, 200);
        assert_eq!(flow.ask("DELETE", &path, None).await.status, 400);
        let body = format!(
            "{{\"authMode\":\"NONE\",\"connectionId\":\"{id}\",\"environment\":\"dev\",\
             \"from\":\"nango\",\"operation\":\"deletion\",\"provider\":\"unauthenticated\",\
             \"providerConfigKey\":\"unauth\",\"success\":true,\"tags\":{{\"a\":\"b\",\
             \"end_user_id\":\"u1\"}},\"type\":\"auth\"}}"
        );
        let expected = if is_on { vec![(primary(&flow), body)] } else { Vec::new() };
        assert_eq!(told(&flow).await, expected, "{is_on}");
    }
}

// D21
#[tokio::test]
async fn creations_are_told_as_soon_as_there_is_somebody_to_tell() {
    let mut flow = Flow::start().await;
    // Back to the defaults, one after the other.
    let defaults = json!({ "primary_url": null, "on_auth_creation": null });
    set_webhooks(&mut flow, defaults).await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    assert_eq!(told(&flow).await, [], "nobody to tell");
    let first = primary(&flow);
    set_webhooks(&mut flow, json!({ "primary_url": first })).await;
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    assert_eq!(told(&flow).await.len(), 1);
    set_webhooks(&mut flow, json!({ "on_auth_creation": false })).await;
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    assert_eq!(told(&flow).await, [], "switched off");
}

#[tokio::test]
async fn both_receivers_are_told_unless_the_connection_has_its_own() {
    let mut flow = Flow::start().await;
    let other = "https://hooks.example.com/second".to_owned();
    set_webhooks(&mut flow, json!({ "secondary_url": other })).await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let events = flow.world.take_events().await;
    let urls: Vec<_> = events.iter().map(|event| event.url.clone()).collect();
    assert_eq!(urls.len(), 2);
    assert!(urls.contains(&primary(&flow)) && urls.contains(&other), "{urls:?}");
    assert_eq!(events[0].body, events[1].body);
    assert_ne!(events[0].id, events[1].id);

    let first = primary(&flow);
    set_webhooks(&mut flow, json!({ "secondary_url": first })).await;
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    assert_eq!(told(&flow).await.len(), 1, "the same receiver twice");

    let own = flow.world.mint(json!({ "tags": {}, "webhook_url_override": HOOK })).await;
    flow.connected(UNAUTHENTICATED, &own, &json!({})).await;
    let [(url, _)] = told(&flow).await.try_into().expect("one webhook");
    assert_eq!(url, HOOK);
}

// D21
#[tokio::test]
async fn a_connection_with_its_own_url_is_told_where_the_environment_has_none() {
    let flow = Flow::start().await;
    // Environment `prod` has no webhook settings.
    let key = "2c9d4a60-5b7e-4f31-8a2d-6e0f1b3c4d55";
    let body = json!({ "tags": {}, "webhook_url_override": HOOK });
    let token = flow.world.send(Call::create(key, &body)).await.token();
    flow.connected("/auth/unauthenticated/prod-only", &token, &json!({})).await;
    let [(url, body)] = told(&flow).await.try_into().expect("one webhook");
    assert_eq!(url, HOOK);
    assert!(body.contains(r#""environment":"prod""#), "{body}");
}

#[tokio::test]
async fn an_override_is_told_even_where_creations_are_not() {
    let mut flow = Flow::start().await;
    set_webhooks(&mut flow, json!({ "on_auth_creation": false })).await;
    let token = flow.world.mint(json!({ "tags": { "plan": "pro" } })).await;
    let id = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    assert_eq!(told(&flow).await, []);
    let body = json!({ "connection_id": id, "integration_id": "unauth" });
    let token = flow.world.reconnect(body).await.token();
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let [(_, body)] = told(&flow).await.try_into().expect("one webhook");
    assert!(body.contains(r#""tags":{"plan":"pro"}"#), "{body}");
}

#[tokio::test]
async fn changes_and_failed_checks_are_not_told() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let path = "/api-auth/api-key/key-verify";
    let id = flow.connected(path, &token, &json!({ "apiKey": "good" })).await;
    told(&flow).await;
    assert_eq!(flow.post(path, &token, &json!({ "apiKey": "bad401" })).await.status, 400);
    let client = json!({ "client_id": "bad401", "client_secret": "s" });
    assert_eq!(flow.post("/oauth2/auth/cc", &token, &client).await.status, 400);
    let connection = tests::flow::connection_path("key-verify", &id);
    let change = json!({ "tags": { "a": "b" } });
    assert_eq!(flow.ask("PATCH", &connection, Some(&change)).await.status, 200);
    let metadata = json!({
        "connection_id": id, "provider_config_key": "key-verify", "metadata": { "a": 1 },
    });
    assert_eq!(flow.ask("POST", "/connections/metadata", Some(&metadata)).await.status, 201);
    assert_eq!(flow.ask("GET", &connection, None).await.status, 200);
    assert_eq!(told(&flow).await, []);
}

#[tokio::test]
async fn what_fails_unforeseen_is_told_as_a_failed_creation() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": { "a": "b" }, "end_user": { "id": "u" } })).await;
    let client = json!({ "client_id": "badjson", "client_secret": "s" });
    let reply = flow.post("/oauth2/auth/cc", &token, &client).await;
    assert_eq!(reply.status, 500, "{reply:?}");
    let [(url, body)] = told(&flow).await.try_into().expect("one webhook");
    assert_eq!(url, primary(&flow));
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["operation"], "creation");
    assert_eq!(body["success"], false);
    assert_eq!((&body["provider"], &body["providerConfigKey"]), (&json!("unknown"), &json!("cc")));
    assert_eq!((&body["tags"], &body["connectionId"]), (&Value::Null, &Value::Null));
    assert_eq!(body["authMode"], "OAUTH2_CC");
    assert_eq!(body["endUser"]["endUserId"], "u");
    assert!(body["error"]["type"].is_string() && body["error"]["description"].is_string());
}

// D34
#[tokio::test]
async fn a_reconnection_that_fails_unforeseen_is_told_as_a_failed_override() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let client = |id: &str| json!({ "client_id": id, "client_secret": "s" });
    let id = flow.connected("/oauth2/auth/cc", &token, &client("good")).await;
    told(&flow).await;
    let body = json!({ "connection_id": id, "integration_id": "cc", "webhook_url_override": HOOK });
    let token = flow.world.reconnect(body).await.token();
    let reply = flow.post("/oauth2/auth/cc", &token, &client("badjson")).await;
    assert_eq!(reply.status, 500, "{reply:?}");
    let [(url, body)] = told(&flow).await.try_into().expect("one webhook");
    assert_eq!(url, HOOK, "of the session");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&body["operation"], &body["success"]), (&json!("override"), &json!(false)));
    assert_eq!(body["connectionId"], json!(id));
}

#[tokio::test]
async fn there_is_neither_a_connection_without_its_webhook_nor_the_reverse() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    told(&flow).await;
    let before = flow.connections().await.len();
    flow.world.wire.calls();
    // One call writes both. If its answer is lost it is repeated, which changes nothing.
    flow.world.wire.fail_after("TransactWriteItems", 0, [Fault::AnswerLost]);
    flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let calls = flow.world.wire.calls();
    assert!(calls.ends_with(&["TransactWriteItems".to_owned(), "TransactWriteItems".to_owned()]));
    assert!(!calls.contains(&"PutItem".to_owned()), "{calls:?}");
    assert_eq!(flow.connections().await.len(), before + 1);
    assert_eq!(told(&flow).await.len(), 1);

    // If it fails, neither is written, and a webhook reports the failure.
    let target = flow.world.mint(json!({ "tags": {} })).await;
    flow.world.wire.fail_after("TransactWriteItems", 0, [Fault::Refused]);
    assert_eq!(flow.post(UNAUTHENTICATED, &target, &json!({})).await.status, 500);
    assert_eq!(flow.connections().await.len(), before + 1);
    let bodies = told(&flow).await;
    assert!(bodies.iter().all(|(_, body)| body.contains(r#""success":false"#)), "{bodies:?}");
}
