//! Sessions end with their environment, and with the key that made them if the operator says so.

use serde_json::{Value, json};
use tests::{Call, World};

async fn status(world: &World, call: Call) -> u16 {
    call.send_to(world.cold(), world.now).await.status
}

fn removed(key: &str, sessions: &str) -> Value {
    json!({ "secret_keys": [{ "name": key, "state": "absent", "sessions": sessions }] })
}

#[tokio::test]
async fn an_environment_takes_its_sessions_along_and_none_comes_back_with_its_name() {
    let world = World::start().await;
    let (read, ended) =
        (world.mint(json!({ "tags": {} })).await, world.mint(json!({ "tags": {} })).await);
    let body = json!({ "connection_id": "conn-1", "integration_id": "github" });
    let reconnection = world.reconnect(body).await.token();
    let gone = json!({ "environments": [{ "name": "dev", "state": "absent" }] });
    world.provision(gone).await.expect("a good document");
    let unknown = json!("unknown_connect_session_token");
    for made_again in [false, true] {
        if made_again {
            // With the very same keys, integrations and connections.
            let report = world.provision(world.document()).await.expect("a good document");
            assert_eq!(report.created.len(), 9);
        }
        for token in [&read, &reconnection] {
            let reply = Call::get(token).send_to(world.cold(), world.now).await;
            assert_eq!((reply.status, &reply.json()["error"]["code"]), (401, &unknown));
        }
    }
    let reply = Call::delete(&ended).send_to(world.cold(), world.now).await;
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (401, &unknown));
    let create = Call::create(&world.secret_key, &json!({ "tags": {} }));
    let token = create.send_to(world.cold(), world.now).await.token();
    assert_eq!(status(&world, Call::get(&token)).await, 200);
}

#[tokio::test]
async fn a_key_takes_its_sessions_along_where_the_operator_says_so() {
    let mut world = World::start().await;
    let second = world.change_environment(json!({ "secret_keys": [{ "name": "second" }] })).await;
    let second = Call::create(&second.secrets[0].secret, &json!({ "tags": {} }));
    let kept = world.mint(json!({ "tags": {} })).await;
    let ended = world.send(second.clone()).await.token();
    let warm = world.state;

    let report = world.change_environment(removed("second", "end")).await;
    assert_eq!((report.removed.len(), report.unchanged.len()), (1, 1));
    assert_eq!(status(&world, Call::get(&kept)).await, 200);
    assert_eq!(status(&world, Call::get(&ended)).await, 401);
    assert_eq!(status(&world, Call::delete(&ended)).await, 401);
    // A container that has the key cached makes a session that no other container accepts.
    let late = second.send_to(warm, world.now).await.token();
    assert_eq!(status(&world, Call::get(&late)).await, 401);

    // Applied again, it changes nothing; without `"sessions": "end"`, sessions live on.
    let report = world.change_environment(removed("second", "end")).await;
    assert_eq!(report.unchanged.len(), 2);
    for (name, state) in [("server", "keep"), ("no scope", "end")] {
        world.change_environment(removed(name, state)).await;
    }
    assert_eq!(status(&world, Call::get(&kept)).await, 200);
}

#[tokio::test]
async fn the_same_secret_under_the_same_name_is_another_key() {
    let mut world = World::start().await;
    let ended = world.mint(json!({ "tags": {} })).await;
    world.change_environment(removed("server", "end")).await;
    world.provision(world.document()).await.expect("a good document");
    let token = world.mint(json!({ "tags": {} })).await;
    assert_eq!(status(&world, Call::get(&token)).await, 200);
    assert_eq!(status(&world, Call::get(&ended)).await, 401);
}

#[tokio::test]
async fn a_warm_container_honours_them_until_its_cache_forgets() {
    let mut world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let gone = json!({ "environments": [{ "name": "dev", "state": "absent" }] });
    world.provision(gone).await.expect("a good document");
    world.pass_ms(59_999);
    assert_eq!(world.get(&token).await.status, 200);
    world.pass_ms(1);
    assert_eq!(world.get(&token).await.status, 401);
}

#[tokio::test]
async fn removed_keys_are_remembered_as_long_as_their_sessions_can_live_and_no_longer() {
    let mut world = World::start().await;
    world.change_environment(removed("server", "end")).await;
    let remembered = async |world: &World| {
        let items = world.dump().await;
        let settings = items
            .iter()
            .find(|item| item.get("sk").is_some_and(|sk| sk.as_s() == Ok(&"ENV".into())));
        let keys = settings.expect("settings").get("ended_keys").and_then(|keys| keys.as_m().ok());
        keys.map_or(0, std::collections::HashMap::len)
    };
    assert_eq!(remembered(&world).await, 1);
    let seven_days_and_an_hour_ms = (7 * 24 + 1) * 3_600_000;
    for (pass_ms, look, count) in [(seven_days_and_an_hour_ms - 1, false, 1), (1, true, 0)] {
        world.pass_ms(pass_ms);
        let change = json!({ "connect_ui": { "showWatermark": look } });
        world.change_environment(change).await;
        assert_eq!(remembered(&world).await, count);
    }
    // What is forgotten is no change of its own.
    world.change_environment(removed("no scope", "end")).await;
    world.pass_ms(seven_days_and_an_hour_ms);
    let report = world.change_environment(json!({})).await;
    assert_eq!((report.unchanged.len(), remembered(&world).await), (1, 1));
}

#[tokio::test]
async fn only_a_key_that_is_removed_takes_sessions_along_and_not_too_many_do() {
    let mut world = World::start().await;
    let document =
        |keys: Value| json!({ "environments": [{ "name": "dev", "secret_keys": keys }] });
    let keys = json!([
        { "name": "server", "sessions": "end" },
        { "name": "second", "state": "absent", "sessions": "all" },
    ]);
    let failed = world.provision(document(keys)).await.expect_err("a failure");
    let issues = &failed.body()["error"]["errors"];
    assert_eq!(issues[0]["message"], json!("Unrecognized key: \"sessions\""));
    assert_eq!(issues[1]["message"], json!(r#"Invalid option: expected one of "keep"|"end""#));

    let names: Vec<_> = (0..1_001).map(|n| format!("key {n}")).collect();
    let keys: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
    world.change_environment(json!({ "secret_keys": keys })).await;
    let gone = |name: &String| json!({ "name": name, "state": "absent", "sessions": "end" });
    let all: Vec<_> = names.iter().map(gone).collect();
    let failed = world.provision(document(json!(all))).await.expect_err("a failure");
    let issue = &failed.body()["error"]["errors"][0];
    assert_eq!(issue["path"], json!(["environments", "0", "secret_keys", "1000", "sessions"]));
    let some = document(json!(all[1..]));
    assert_eq!(world.provision(some).await.expect("a good document").removed.len(), 1_000);
}
