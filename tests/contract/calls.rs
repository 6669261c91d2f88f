//! What a request costs: the calls to DynamoDB, counted on the wire.

use serde_json::json;
use tests::flow::connection_path;
use tests::{Call, Flow, World};

#[tokio::test]
async fn a_cold_container_reads_key_and_environment_once_and_a_warm_one_neither() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    assert_eq!(world.wire.calls(), ["GetItem", "Query", "PutItem"]);
    world.mint(json!({ "tags": {}, "allowed_integrations": ["github"] })).await;
    assert_eq!(world.wire.calls(), ["PutItem"]);
    let body = json!({ "connection_id": "conn-1", "integration_id": "github" });
    assert_eq!(world.reconnect(body).await.status, 201);
    assert_eq!(world.wire.calls(), ["GetItem", "PutItem"]);
    assert_eq!(world.get(&token).await.status, 200);
    assert_eq!(world.wire.calls(), ["GetItem"]);
    assert_eq!(world.delete(&token).await.status, 204);
    assert_eq!(world.wire.calls(), ["DeleteItem"]);
}

#[tokio::test]
async fn a_cold_container_reads_the_environment_of_a_token_once() {
    let mut world = World::start().await;
    let (read, ended) =
        (world.mint(json!({ "tags": {} })).await, world.mint(json!({ "tags": {} })).await);
    world.restart();
    world.wire.calls();
    for calls in [&["GetItem", "GetItem"][..], &["GetItem"]] {
        assert_eq!(world.get(&read).await.status, 200);
        assert_eq!(world.wire.calls(), calls);
    }
    assert_eq!(world.delete(&ended).await.status, 204);
    assert_eq!(world.wire.calls(), ["DeleteItem"]);
    world.restart();
    assert_eq!(world.delete(&read).await.status, 204);
    assert_eq!(world.wire.calls(), ["DeleteItem", "GetItem"]);
    // Keys and tokens share what is known of an environment.
    world.mint(json!({ "tags": {}, "allowed_integrations": ["github"] })).await;
    assert_eq!(world.wire.calls(), ["GetItem", "BatchGetItem", "PutItem"]);
    world.mint(json!({ "tags": {}, "allowed_integrations": ["github"] })).await;
    assert_eq!(world.wire.calls(), ["PutItem"]);
}

#[tokio::test]
async fn what_is_refused_before_the_lookup_makes_no_call() {
    let world = World::start().await;
    let create = |body: &'static str| {
        Call::new("POST", "/connect/sessions")
            .bearer(&world.secret_key)
            .header("content-type", "application/json")
            .body(body)
    };
    let token = format!("nango_connect_session_{}", "a".repeat(64));
    for (call, status) in [
        (create("{"), 400),
        (create("{}").header("content-type", "text/plain"), 415),
        (create("{}").header("content-type", "application/json; charset=latin1"), 415),
        (create("{}").header("content-encoding", "gzip"), 415),
        (create("{}").body("[".repeat(262_145)), 413),
        (create("{}").without("authorization"), 401),
        (create("{}").bearer("not-a-uuid"), 401),
        (create("{}").bearer(&token), 401),
        (create("{}").bearer("nango_sbx_v1_x"), 401),
        (Call::new("GET", "/connect/session"), 401),
        (Call::get("not-a-token"), 401),
        (Call::get(&token).json(&json!("x")), 400),
        (Call::delete(&world.secret_key), 401),
        (Call::new("GET", "/connect/sessions"), 404),
        (Call::new("OPTIONS", "/connect/sessions"), 204),
    ] {
        assert_eq!(world.send(call.clone()).await.status, status, "{call:?}");
    }
    assert_eq!(world.wire.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_bad_body_costs_a_warm_container_nothing() {
    let world = World::start().await;
    world.mint(json!({ "tags": {} })).await;
    world.wire.calls();
    for body in [json!({}), json!({ "tags": { "1": "x" } }), json!({ "tags": {}, "x": 1 })] {
        assert_eq!(world.create(body).await.status, 400);
    }
    assert_eq!(world.wire.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_unknown_integration_is_looked_up_by_name_before_it_is_refused() {
    let world = World::start().await;
    let body = json!({ "tags": {}, "allowed_integrations": ["new", "newer", "new"] });
    assert_eq!(world.create(body.clone()).await.status, 400);
    assert_eq!(world.wire.calls(), ["GetItem", "Query", "BatchGetItem"]);

    // Provisioned meanwhile, it works at once, and is known from then on.
    let integrations = json!([
        { "unique_key": "new", "provider": "unauthenticated" }, { "unique_key": "newer", "provider": "unauthenticated" },
    ]);
    let document = json!({ "environments": [{ "name": "dev", "integrations": integrations }] });
    world.provision(document).await.expect("a good document");
    world.wire.calls();
    assert_eq!(world.create(body.clone()).await.status, 201);
    assert_eq!(world.wire.calls(), ["BatchGetItem", "PutItem"]);
    assert_eq!(world.create(body).await.status, 201);
    assert_eq!(world.wire.calls(), ["PutItem"]);
}

#[tokio::test]
async fn an_environment_with_many_integrations_is_not_read_whole() {
    let mut world = World::start().await;
    let keys: Vec<_> = (0..450).map(|n| format!("integration-{n:03}")).collect();
    let integrations: Vec<_> = keys
        .iter()
        .map(|key| json!({ "unique_key": key, "provider": "unauthenticated" }))
        .collect();
    world.change_environment(json!({ "integrations": integrations })).await;

    let all = json!({ "tags": {}, "allowed_integrations": keys });
    assert_eq!(world.create(all.clone()).await.status, 201);
    let batches = ["GetItem", "Query", "BatchGetItem", "BatchGetItem", "BatchGetItem", "PutItem"];
    assert_eq!(world.wire.calls(), batches);
    assert_eq!(world.create(all).await.status, 201);
    assert_eq!(world.wire.calls(), ["PutItem"]);
}

#[tokio::test]
async fn names_are_looked_up_as_far_as_they_can_change_the_answer() {
    let world = World::start().await;
    let keys: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
    let reply = world.create(json!({ "tags": {}, "allowed_integrations": keys })).await;
    assert_eq!(reply.json()["error"]["errors"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(world.wire.calls().len(), 2 + 10);
}

#[tokio::test]
async fn a_revoked_key_works_until_the_cache_forgets_it_and_an_unknown_one_is_never_cached() {
    let mut world = World::start().await;
    let warm = world.state;
    world.mint(json!({ "tags": {} })).await;
    let absent = json!({ "secret_keys": [{ "name": "server", "state": "absent" }] });
    world.change_environment(absent).await;
    let create = Call::create(&world.secret_key, &json!({ "tags": {} }));
    assert_eq!(create.clone().send_to(world.state, world.now).await.status, 401);
    world.enter(warm);
    world.pass_ms(59_999);
    assert_eq!(world.send(create.clone()).await.status, 201);
    world.pass_ms(1);
    assert_eq!(world.send(create.clone()).await.status, 401);

    // The same secret, back under its name, works at once.
    let secret = json!({ "name": "server", "secret": world.secret_key });
    let document = json!({ "environments": [{ "name": "dev", "secret_keys": [secret] }] });
    world.provision(document).await.expect("a good document");
    assert_eq!(world.send(create).await.status, 201);
}

#[tokio::test]
async fn a_cache_of_zero_seconds_is_off() {
    let off = |name: &str| (name == "REGISTRY_CACHE_SECONDS").then_some("0");
    let world = World::with(off).await;
    for _ in 0..2 {
        world.mint(json!({ "tags": {} })).await;
        assert_eq!(world.wire.calls(), ["GetItem", "Query", "PutItem"]);
    }
}

#[tokio::test]
async fn an_oauth_flow_makes_two_calls_to_start_and_five_to_finish() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    // Of the catalogue: a provider of the environment's own is a call more.
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
    // A provider of the environment's own is a read more; its verification is a call to it alone.
    flow.provider.calls();
    flow.connected("/api-auth/api-key/key-verify", &token, &key).await;
    let own = ["GetItem", "GetItem", "GetItem", "TransactWriteItems"];
    assert_eq!(flow.world.wire.calls(), own);
    assert_eq!(flow.provider.calls().len(), 1);
    // So is a connection that is connected again, whose webhook tells tags that it keeps.
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
async fn a_session_lists_its_integrations_with_two_calls() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {}, "allowed_integrations": ["unauth"] })).await;
    flow.world.wire.calls();
    let list = Call::new("GET", "/integrations").bearer(&token);
    assert_eq!(flow.world.send(list).await.status, 200);
    assert_eq!(flow.world.wire.calls(), ["GetItem", "BatchGetItem"]);
    let read = Call::new("GET", "/providers/github").bearer(&token);
    assert_eq!(flow.world.send(read).await.status, 200);
    assert_eq!(flow.world.wire.calls(), ["GetItem"]);
    let body = json!({ "token": token, "event": "open", "timestamp": flow.world.now.to_string() });
    let telemetry = Call::new("POST", "/connect/telemetry").json(&body);
    assert_eq!(flow.world.send(telemetry).await.status, 204);
    assert_eq!(flow.world.wire.calls(), ["GetItem"]);
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
    // The integration with its client, and its provider, which is the environment's own; then the
    // lease and the result.
    flow.connection("oauth", &ended).await;
    let calls = ["GetItem", "GetItem", "GetItem", "UpdateItem", "UpdateItem"];
    assert_eq!(flow.world.wire.calls(), calls);
    assert_eq!(flow.provider.calls().len(), 1);
    flow.connection("oauth", &ended).await;
    assert_eq!(flow.world.wire.calls(), ["GetItem"]);
}
