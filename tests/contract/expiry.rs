//! When a session ends by itself. The clock is an argument, so nobody waits.

use serde_json::json;
use tests::World;

// R2 R19
#[tokio::test]
async fn a_session_is_good_until_one_millisecond_before_its_end_and_no_longer() {
    let mut world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    world.pass_ms(30 * 60 * 1_000 - 1);
    assert_eq!(world.get(&token).await.status, 200);
    world.pass_ms(1);
    // The record is still there: nothing but the clock has changed.
    assert_eq!(world.session_items().await.len(), 1);
    for _ in 0..2 {
        assert_eq!(
            world.get(&token).await.json()["error"]["code"],
            json!("unknown_connect_session_token")
        );
        assert_eq!(
            world.delete(&token).await.json()["error"]["code"],
            json!("unknown_connect_session_token")
        );
        world.pass_ms(1);
    }
    assert_eq!(world.session_items().await.len(), 1);
}

// R19
#[tokio::test]
async fn a_session_can_be_deleted_until_its_end() {
    let mut world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    world.pass_ms(30 * 60 * 1_000 - 1);
    assert_eq!(world.delete(&token).await.status, 204);
}

// R18
#[tokio::test]
async fn dynamodb_deletes_an_expired_session_on_its_own_and_no_live_one() {
    let mut world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let item = world.session_items().await.remove(0);
    // 13:08:27.690, an hour later, is rounded up to a whole second: TTL deletes neither a live
    // session nor one whose OAuth flows may still come back.
    assert_eq!(item["expires_at_ms"].as_n(), Ok(&"1795352907690".to_owned()));
    assert_eq!(item["ttl"].as_n(), Ok(&"1795356508".to_owned()));

    world.pass_ms(30 * 60 * 1_000 - 1);
    assert_eq!(world.sweep(), 0);
    assert_eq!(world.get(&token).await.status, 200);
    world.pass_ms(60 * 60 * 1_000 + 1);
    assert_eq!(world.sweep(), 0);
    assert_eq!(world.get(&token).await.status, 401);
    world.pass_ms(2_000);
    assert_eq!(world.sweep(), 1);
    assert_eq!(world.session_items().await.len(), 0);
    assert_eq!(world.get(&token).await.status, 401);
}

// R18
#[tokio::test]
async fn the_table_has_a_native_ttl_attribute() {
    let world = World::start().await;
    let table = &world.app.settings.tables.sessions;
    let ttl =
        world.client.describe_time_to_live().table_name(table).send().await.expect("an answer");
    let ttl = ttl.time_to_live_description.expect("a description");
    assert_eq!(ttl.attribute_name(), Some("ttl"));
    assert_eq!(
        ttl.time_to_live_status().map(aws_sdk_dynamodb::types::TimeToLiveStatus::as_str),
        Some("ENABLED")
    );
}

// R2
#[tokio::test]
async fn the_operator_may_set_another_lifetime() {
    let mut world = World::with(|name| (name == "SESSION_TTL_SECONDS").then_some("60")).await;
    let reply = world.create(json!({ "tags": {} })).await;
    assert_eq!(reply.json()["data"]["expires_at"], json!("2026-11-22T12:39:27.690Z"));
    world.pass_ms(59_999);
    assert_eq!(world.get(&reply.token()).await.status, 200);
    world.pass_ms(1);
    assert_eq!(world.get(&reply.token()).await.status, 401);
}
