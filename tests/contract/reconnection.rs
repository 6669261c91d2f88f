//! A session that reconnects changes its connection in place (section 12 of the flow).

use serde_json::{Value, json};
use tests::Flow;

/// An endpoint, its integration, and credentials before and after.
fn modes() -> [(&'static str, &'static str, Value, Value); 6] {
    let client = |id: &str| json!({ "client_id": id, "client_secret": "s" });
    let user = |name: &str| json!({ "username": name, "password": "p" });
    let signature = |name: &str| json!({ "username": name, "password": "p", "type": "SIGNATURE" });
    [
        ("/auth/unauthenticated", "unauth", json!({}), json!({})),
        ("/api-auth/api-key", "key-verify", json!({ "apiKey": "a" }), json!({ "apiKey": "b" })),
        ("/api-auth/basic", "basic-verify", user("a"), user("b")),
        ("/auth/two-step", "twostep", user("a"), user("b")),
        ("/auth/signature", "sig", signature("a"), signature("b")),
        ("/oauth2/auth", "cc", client("a"), client("b")),
    ]
}

async fn session_for(flow: &Flow, integration: &str, id: &str, mut body: Value) -> String {
    body["connection_id"] = json!(id);
    body["integration_id"] = json!(integration);
    flow.world.reconnect(body).await.token()
}

async fn set_metadata(flow: &Flow, integration: &str, id: &str, metadata: &Value) {
    let body = json!({
        "connection_id": id, "provider_config_key": integration, "metadata": metadata,
    });
    assert_eq!(flow.ask("POST", "/connections/metadata", Some(&body)).await.status, 201);
}

// D22
#[tokio::test]
async fn in_every_mode_it_replaces_what_the_user_gives_and_keeps_what_the_customer_said() {
    for (route, integration, before, after) in modes() {
        let mut flow = Flow::start().await;
        let token = flow
            .world
            .mint(json!({
                "end_user": { "id": "u1" },
                "tags": { "plan": "pro" },
                "webhook_url_override": "https://hooks.example.com/one",
            }))
            .await;
        let path = format!("{route}/{integration}");
        let id = flow.connected(&format!("{path}?params[a]=1&params[b]=2"), &token, &before).await;
        set_metadata(&flow, integration, &id, &json!({ "seats": 3 })).await;
        let old = flow.connection(integration, &id).await;

        flow.world.pass_ms(60_000);
        let token = session_for(&flow, integration, &id, json!({})).await;
        let again = flow.connected(&format!("{path}?params[b]=3"), &token, &after).await;
        assert_eq!(again, id, "{route}");
        let new = flow.connection(integration, &id).await;
        for kept in ["id", "connection_id", "created_at", "tags", "metadata", "end_user", "errors"]
        {
            assert_eq!(new[kept], old[kept], "{route} {kept}");
        }
        assert_eq!(new["connection_config"], json!({ "b": "3" }), "{route}");
        assert_eq!(new["webhook_url_override"], Value::Null, "{route}");
        // In the modes that fetch a token, only the credentials change.
        assert_eq!(new["updated_at"] != old["updated_at"], integration != "cc", "{route}");
        assert_eq!(new["credentials"] != old["credentials"], integration != "unauth", "{route}");
        assert_eq!(flow.connections().await.len(), 1, "{route}");
    }
}

#[tokio::test]
async fn what_the_session_says_replaces_what_is_there() {
    let flow = Flow::start().await;
    let token = flow
        .world
        .mint(json!({ "end_user": { "id": "u1", "email": "a@example.com" }, "tags": { "a": "1" } }))
        .await;
    let path = "/auth/unauthenticated/unauth";
    let id = flow.connected(path, &token, &json!({})).await;
    let defaults = json!({ "unauth": { "connection_config": { "region": "eu" } } });
    let token = session_for(
        &flow,
        "unauth",
        &id,
        json!({
            "end_user": { "id": "u2", "display_name": "Two" },
            "tags": { "b": "2" },
            "integrations_config_defaults": defaults,
            "webhook_url_override": "https://hooks.example.com/two",
        }),
    )
    .await;
    flow.connected(&format!("{path}?params[region]=us&params[x]=y"), &token, &json!({})).await;
    let connection = flow.connection("unauth", &id).await;
    assert_eq!(
        connection["tags"],
        json!({ "end_user_id": "u2", "end_user_display_name": "Two", "b": "2" })
    );
    assert_eq!(
        connection["end_user"],
        json!({
            "id": "u2", "display_name": "Two", "email": null, "tags": null, "organization": null,
        })
    );
    assert_eq!(connection["connection_config"], json!({ "region": "eu", "x": "y" }));
    assert_eq!(connection["webhook_url_override"], "https://hooks.example.com/two");
}

#[tokio::test]
async fn a_failed_check_changes_nothing() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": { "plan": "pro" } })).await;
    let path = "/api-auth/api-key/key-verify";
    let id = flow.connected(path, &token, &json!({ "apiKey": "good" })).await;
    let mut before = flow.connection("key-verify", &id).await;
    let session = json!({
        "tags": { "plan": "free" }, "webhook_url_override": "https://hooks.example.com/two",
    });
    let token = session_for(&flow, "key-verify", &id, session).await;
    flow.world.pass_ms(1_000);
    let path = format!("{path}?params[a]=b");
    let reply = flow.post(&path, &token, &json!({ "apiKey": "bad401" })).await;
    assert_eq!(reply.status, 400, "{reply:?}");
    let mut after = flow.connection("key-verify", &id).await;
    for connection in [&mut before, &mut after] {
        connection["last_fetched_at"] = Value::Null;
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn the_token_can_be_used_again() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let path = "/api-auth/api-key/key-verify";
    let id = flow.connected(path, &token, &json!({ "apiKey": "one" })).await;
    let token = session_for(&flow, "key-verify", &id, json!({})).await;
    for key in ["two", "three"] {
        assert_eq!(flow.connected(path, &token, &json!({ "apiKey": key })).await, id);
        let connection = flow.connection("key-verify", &id).await;
        assert_eq!(connection["credentials"]["apiKey"], key);
    }
}

#[tokio::test]
async fn a_session_whose_connection_is_gone_can_be_read_and_connects_nothing() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let path = "/auth/unauthenticated/unauth";
    let id = flow.connected(path, &token, &json!({})).await;
    let token = session_for(&flow, "unauth", &id, json!({})).await;
    let gone = tests::flow::connection_path("unauth", &id);
    assert_eq!(flow.ask("DELETE", &gone, None).await.status, 200);

    let refused = json!({ "error": { "code": "invalid_connection" } });
    flow.post(path, &token, &json!({})).await.assert(400, &refused);
    assert_eq!(flow.world.get(&token).await.status, 200);
    let list = flow.world.send(tests::Call::new("GET", "/integrations").bearer(&token)).await;
    let keys: Vec<_> = list.json()["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|i| i["unique_key"].clone())
        .collect();
    assert_eq!(keys, ["unauth"]);
    let again = json!({ "connection_id": id, "integration_id": "unauth" });
    let message = "ConnectionID or IntegrationId does not exists";
    let refused = json!({ "error": { "code": "invalid_body", "message": message } });
    flow.world.reconnect(again).await.assert(400, &refused);
}
