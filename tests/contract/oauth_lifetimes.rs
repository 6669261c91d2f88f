//! How long an OAuth flow lives, what ends it early, and how long its outcome is stored.

use serde_json::json;
use tests::oauth::told;
use tests::{Call, Flow};

// D23
#[tokio::test]
async fn a_session_that_was_deleted_takes_its_flows_with_it() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    assert_eq!(flow.world.delete(&token).await.status, 204);
    for _ in 0..2 {
        let page = flow.world.send(started.callback("code=c")).await;
        assert_eq!((page.status, told(&page).as_deref()), (400, Some("The session was deleted.")));
        assert!(page.body.contains("This session has ended"));
    }
    assert_eq!((flow.provider.calls().len(), flow.connections().await.len()), (0, 0));
}

// D23
#[tokio::test]
async fn a_session_that_expired_does_not() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": { "team": "blue" } })).await;
    flow.world.pass_ms(30 * 60 * 1_000 - 1);
    let started = flow.start_oauth("oauth", &token).await;
    flow.world.pass_ms(59 * 60 * 1_000);
    flow.world.sweep();
    assert_eq!(flow.world.get(&token).await.status, 401);
    let page = flow.world.send(started.callback("code=c")).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(flow.connections().await[0]["tags"], json!({ "team": "blue" }));
    // The outcome can be read for an hour after the end.
    assert_eq!(flow.outcomes(&token).await[0]["provider_config_key"], "oauth");
    flow.world.pass_ms(60_001);
    let call = Call::new("GET", "/connect/session/outcomes").bearer(&token);
    assert_eq!(flow.world.send(call).await.status, 401);
}

#[tokio::test]
async fn a_flow_lasts_an_hour() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    flow.world.pass_ms(60 * 60 * 1_000);
    let page = flow.world.send(started.callback("code=c")).await;
    assert!(told(&page).is_some_and(|told| told.starts_with("No session found for state")));
    assert_eq!(flow.provider.calls().len(), 0);
}

#[tokio::test]
async fn an_integration_that_was_removed_ends_the_flow() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let absent = json!({ "integrations": [{ "unique_key": "oauth", "state": "absent" }] });
    flow.world.change_environment(absent).await;
    let page = flow.world.send(started.callback("code=c")).await;
    assert_eq!(page.status, 400);
    assert!(told(&page).is_some_and(|told| told.contains("Cannot read properties of null")));
}

// D46
#[tokio::test]
async fn a_session_remembers_its_last_twenty_outcomes() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for number in 0..22 {
        let reply = flow.start_reply(&format!("nope-{number}"), &token).await;
        assert_eq!(reply.status, 400);
    }
    let id = flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    let outcomes = flow.outcomes(&token).await;
    let outcomes = outcomes.as_array().expect("a list");
    assert_eq!(outcomes.len(), 20);
    assert_eq!(outcomes[0]["provider_config_key"], "nope-3");
    let at = "2026-11-22T12:38:27.690Z";
    let failed = json!({
        "provider_config_key": "nope-21", "error": "provider_config_err", "at": at,
    });
    assert_eq!(outcomes[18], failed);
    let connected = json!({ "provider_config_key": "unauth", "connection_id": id, "at": at });
    assert_eq!(outcomes[19], connected);
}
