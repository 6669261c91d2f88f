//! The calls to DynamoDB that the requests of a session take, counted on the wire.

use serde_json::json;
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
    // Keys and tokens share the cached environment.
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

    // Provisioned meanwhile, it works at once, and is cached from then on.
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
