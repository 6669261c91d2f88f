//! Integrations that change between a session's first request and its connection.

use serde_json::{Value, json};
use tests::Flow;
use tests::flow::connect;

const UNAUTHENTICATED: &str = "/auth/unauthenticated/unauth";

#[tokio::test]
async fn an_integration_that_a_container_remembers_makes_no_connection_of_another_provider() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let changed = json!([{ "unique_key": "unauth", "provider": "resend" }]);
    let operator = flow.world.other_container().await.0;
    let id = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let again = json!({ "connection_id": id, "integration_id": "unauth" });
    let again = flow.world.reconnect(again).await.token();
    let document = json!({ "environments": [{ "name": "dev", "integrations": changed }] });
    let there = &operator.connect;
    let applied = provision::apply(&there.app, &there.vault, document, flow.world.now).await;
    applied.expect("a good document");

    // The container has seen the integration lately, and the transaction sees it as it is.
    let call = |token: &str| connect(UNAUTHENTICATED, token).json(&json!({}));
    for token in [&token, &again] {
        let reply = flow.world.send(call(token)).await;
        reply.assert(404, &json!({ "error": { "code": "unknown_provider_config" } }));
    }
    flow.world.pass_ms(60_000);
    let reply = flow.world.send(call(&token)).await;
    reply.assert(400, &json!({ "error": { "code": "invalid_auth_mode" } }));
    let ids: Vec<_> =
        flow.connections().await.iter().map(|own| own["connection_id"].clone()).collect();
    assert_eq!(ids, [json!(id)]);
}

#[tokio::test]
async fn nothing_is_connected_to_an_integration_that_is_removed_meanwhile() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let operator = flow.world.other_container().await.0;
    let mut waiting = flow.world.wire.hold();
    let call = connect(UNAUTHENTICATED, &token).json(&json!({}));
    let (service, now) = (flow.world.state, flow.world.now);
    let connecting = tokio::spawn(async move { call.send_to(service, now).await });
    while let Some(held) = waiting.recv().await {
        let is_last = held.operation == "TransactWriteItems";
        if is_last {
            let removed = json!([{ "unique_key": "unauth", "state": "absent" }]);
            let document = json!({ "environments": [{ "name": "dev", "integrations": removed }] });
            let there = &operator.connect;
            let applied = provision::apply(&there.app, &there.vault, document, now).await;
            applied.expect("a good document");
        }
        held.release().await;
        if is_last {
            break;
        }
    }
    drop(waiting);
    let reply = connecting.await.expect("no panic");
    reply.assert(404, &json!({ "error": { "code": "unknown_provider_config" } }));
    assert_eq!(flow.connections().await, Vec::<Value>::new());
}
