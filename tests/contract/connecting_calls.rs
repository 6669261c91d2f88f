//! The calls to DynamoDB and KMS that connecting and connections take, counted on the wire.

use serde_json::json;
use tests::Flow;
use tests::flow::connection_path;

#[tokio::test]
async fn an_oauth_flow_makes_two_calls_to_start_and_five_to_finish() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    // With a provider of the catalogue; one that the environment defines takes another call.
    let slack = json!({ "unique_key": "own-slack", "provider": "slack",
        "credentials": { "type": "OAUTH2", "client_id": "i", "client_secret": "s" } });
    flow.world.change_environment(json!({ "integrations": [slack] })).await;
    flow.start_oauth("own-slack", &token).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem", "GetItem", "GetItem", "PutItem"]);
    flow.start_oauth("own-slack", &token).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem", "PutItem"]);

    let started = flow.start_oauth("oauth", &token).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem", "GetItem", "GetItem", "PutItem"]);
    let page = flow.world.send(started.callback("code=c")).await;
    assert_eq!(page.status, 200, "{page:?}");
    let finish = ["UpdateItem", "GetItem", "GetItem", "GetItem", "TransactWriteItems"];
    assert_eq!(flow.world.wire.calls(), finish);
    assert_eq!((flow.provider.calls().len(), flow.world.kms_wire.calls().len()), (1, 1));

    // Warm, KMS is not called; a second callback is one call.
    let again = flow.start_oauth("oauth", &token).await;
    flow.world.wire.calls();
    assert_eq!(flow.world.send(again.callback("code=c")).await.status, 200);
    assert_eq!(flow.world.wire.calls(), finish);
    assert_eq!((flow.provider.calls().len(), flow.world.kms_wire.calls().len()), (1, 0));
    assert_eq!(flow.world.send(again.callback("code=c")).await.status, 200);
    assert_eq!(flow.world.wire.calls(), ["UpdateItem"]);
    assert_eq!((flow.provider.calls().len(), flow.world.kms_wire.calls().len()), (0, 0));

    flow.outcomes(&token).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem"]);
}

#[tokio::test]
async fn connecting_without_a_redirect_is_a_read_and_a_transaction() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.world.restart();
    let (nothing, path) = (json!({}), "/auth/unauthenticated/unauth");
    flow.connected(path, &token, &nothing).await;
    let cold = ["GetItem", "GetItem", "GetItem", "TransactWriteItems"];
    assert_eq!(flow.world.wire.calls(), cold);
    let id = flow.connected(path, &token, &nothing).await;
    let warm = ["GetItem", "TransactWriteItems"];
    assert_eq!(flow.world.wire.calls(), warm);
    // Nothing was sealed so far.
    assert_eq!(flow.world.kms_wire.calls(), Vec::<String>::new());

    let (key, path) = (json!({ "apiKey": "a" }), "/api-auth/api-key/airtable-pat");
    let first = ["GetItem", "GetItem", "TransactWriteItems"];
    for (calls, kms) in [(&first[..], &["Decrypt"][..]), (&warm, &[])] {
        flow.connected(path, &token, &key).await;
        assert_eq!(flow.world.wire.calls(), calls);
        assert_eq!(flow.world.kms_wire.calls(), kms);
    }
    // A provider that the environment defines takes another read; verifying calls the provider
    // only.
    flow.provider.calls();
    flow.connected("/api-auth/api-key/key-verify", &token, &key).await;
    let own = ["GetItem", "GetItem", "GetItem", "TransactWriteItems"];
    assert_eq!(flow.world.wire.calls(), own);
    assert_eq!(flow.provider.calls().len(), 1);
    // Reconnecting takes another read too, because the webhook includes the tags that are kept.
    let again = json!({ "connection_id": id, "integration_id": "unauth" });
    let again = flow.world.reconnect(again).await.token();
    flow.world.wire.calls();
    flow.connected("/auth/unauthenticated/unauth", &again, &nothing).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem", "GetItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn a_warm_container_makes_one_call_to_read_or_to_change_a_connection() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let key = json!({ "apiKey": "a" });
    let id = flow.connected("/api-auth/api-key/airtable-pat", &token, &key).await;
    let path = connection_path("airtable-pat", &id);
    let change = json!({ "tags": { "plan": "pro" } });
    let metadata = json!({
        "connection_id": id, "provider_config_key": "airtable-pat", "metadata": { "a": 1 },
    });
    let import = json!({
        "connection_id": id,
        "provider_config_key": "airtable-pat",
        "credentials": { "type": "API_KEY", "apiKey": "b" },
    });
    flow.world.wire.calls();
    flow.world.kms_wire.calls();
    for (method, path, body, calls) in [
        ("GET", &*path, None, &["GetItem"][..]),
        ("GET", "/connections", None, &["Query"]),
        ("PATCH", &path, Some(&change), &["UpdateItem"]),
        ("POST", "/connections/metadata", Some(&metadata), &["TransactWriteItems"]),
        ("PATCH", "/connections/metadata", Some(&metadata), &["GetItem", "TransactWriteItems"]),
        ("POST", "/connections", Some(&import), &["GetItem", "GetItem", "TransactWriteItems"]),
        ("DELETE", &path, None, &["GetItem", "TransactWriteItems"]),
        ("GET", "/integrations/airtable-pat", None, &["GetItem"]),
        ("GET", "/integrations", None, &["Query", "Query"]),
        ("GET", "/providers/github", None, &[]),
        ("GET", "/providers/fk-apikey", None, &["GetItem"]),
        ("GET", "/providers", None, &["Query"]),
    ] {
        let reply = flow.ask(method, path, body).await;
        assert!(reply.status < 300, "{method} {path}: {reply:?}");
        assert_eq!(flow.world.wire.calls(), calls, "{method} {path}");
    }
    // It sealed credentials before.
    assert_eq!(flow.world.kms_wire.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn reading_a_connection_is_one_call_and_renewing_its_token_writes_twice() {
    let flow = Flow::start().await;
    let connect = async |expires_in: i64| {
        let end = flow.world.now + jiff::SignedDuration::from_secs(expires_in);
        let body = json!({ "provider_config_key": "oauth", "credentials": {
            "type": "OAUTH2", "access_token": "at", "refresh_token": "rt",
            "expires_at": format!("{end:.3}"),
        } });
        let imported = flow.ask("POST", "/connections", Some(&body)).await.json();
        imported["connection_id"].as_str().expect("an id").to_owned()
    };
    let (fresh, ended) = (connect(3_600).await, connect(-1).await);
    flow.world.wire.calls();
    flow.connection("oauth", &fresh).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem"]);
    assert_eq!(flow.provider.calls().len(), 0);
    // The integration with its client and the environment's own provider; then the lease and the
    // result.
    flow.connection("oauth", &ended).await;
    let calls = ["GetItem", "GetItem", "GetItem", "UpdateItem", "UpdateItem"];
    assert_eq!(flow.world.wire.calls(), calls);
    assert_eq!(flow.provider.calls().len(), 1);
    flow.connection("oauth", &ended).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem"]);
}
