//! `DELETE /connect/session`: contract section 4.

use serde_json::json;
use tests::{Call, World};

// R12
#[tokio::test]
async fn a_session_ends_at_once_and_alone() {
    let world = World::start().await;
    let ended = world.mint(json!({ "tags": {} })).await;
    let other = world.mint(json!({ "tags": {} })).await;
    let reply = world.delete(&ended).await;
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    reply.assert_headers();
    assert_eq!(world.get(&ended).await.status, 401);
    assert_eq!(world.delete(&ended).await.status, 401);
    assert_eq!(world.get(&other).await.status, 200);
    assert_eq!(world.session_items().await.len(), 1);
}

// D17
#[tokio::test]
async fn of_many_deletions_at_once_one_wins_and_the_others_find_an_unknown_token() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let deletions = (0..16).map(|_| world.delete(&token));
    let replies = futures_util::future::join_all(deletions).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 204).count(), 1);
    for reply in replies.iter().filter(|reply| reply.status != 204) {
        assert_eq!(reply.json()["error"]["code"], json!("unknown_connect_session_token"));
        reply.assert_headers();
    }
}

#[tokio::test]
async fn a_query_or_a_body_is_refused_once_the_token_is_known_to_be_good() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let unknown = format!("nango_connect_session_{}", "f".repeat(64));
    for (path, body, expected) in [
        ("/connect/session?foo=1", json!({ "a": 1 }), "invalid_query_params"),
        ("/connect/session", json!({ "a": 1 }), "invalid_body"),
        ("/connect/session", json!([]), "invalid_body"),
    ] {
        let call = Call::delete(&token).path(path).json(&body);
        let reply = world.send(call.clone()).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(expected)));
        assert_eq!(world.send(call.bearer(&unknown)).await.status, 401);
    }
    assert_eq!(world.get(&token).await.status, 200);
    assert_eq!(world.send(Call::delete(&token).json(&json!({}))).await.status, 204);
}
