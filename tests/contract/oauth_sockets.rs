//! A browser that waits on a socket is told how its flow ended (section 8 of the flow).

use serde_json::json;
use tests::{Flow, Socket};

#[tokio::test]
async fn the_end_of_a_flow_is_told_to_the_socket_that_it_names() {
    let flow = Flow::start().await;
    let address = flow.world.serve().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let mut socket = Socket::open(address, "/", &[]).await.expect("a socket");
    let started = flow.start_oauth(&format!("oauth?ws_client_id={}", socket.id), &token).await;
    assert!(socket.is_silent().await);
    assert_eq!(flow.world.send(started.callback("code=c")).await.status, 200);
    let id = flow.outcomes(&token).await[0]["connection_id"].clone();
    assert_eq!(
        socket.message().await,
        json!({
            "message_type": "success", "provider_config_key": "oauth", "connection_id": id,
            "is_pending": false,
        })
    );
    // A second callback says nothing more.
    flow.world.send(started.callback("code=c")).await;
    assert!(socket.is_silent().await);
}

#[tokio::test]
async fn failures_of_the_start_and_of_the_callback_are_told() {
    let flow = Flow::start().await;
    let address = flow.world.serve().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;

    let mut socket = Socket::open(address, "/", &[]).await.expect("a socket");
    flow.start_reply(&format!("nope?ws_client_id={}", socket.id), &token).await;
    let message = socket.message().await;
    assert_eq!(message["error_type"], "provider_config_err");
    let text = "Could not find a Provider Config matching the \"nope\" key.";
    assert_eq!(message["error_desc"], text);
    assert_eq!(message["provider_config_key"], "nope");

    let mut socket = Socket::open(address, "/", &[]).await.expect("a socket");
    let started = flow.start_oauth(&format!("oauth?ws_client_id={}", socket.id), &token).await;
    let query = "error=access_denied&error_description=no";
    flow.world.send(started.callback(query)).await;
    let message = socket.message().await;
    assert_eq!(message["error_type"], "callback_err");
    let text = "Did not get authorization code in the callback. Provider error: error: \
                access_denied; error_description: no";
    assert_eq!(message["error_desc"], text);

    // D23
    let mut socket = Socket::open(address, "/", &[]).await.expect("a socket");
    let started = flow.start_oauth(&format!("oauth?ws_client_id={}", socket.id), &token).await;
    flow.world.delete(&token).await;
    flow.world.send(started.callback("code=c")).await;
    assert_eq!(socket.message().await["error_type"], "session_deleted");

    // A person whose session is over: the page, and the socket.
    let mut socket = Socket::open(address, "/", &[]).await.expect("a socket");
    let path = format!("oauth?ws_client_id={}", socket.id);
    let call = tests::oauth::start(&path, &token).header("sec-fetch-mode", "navigate");
    assert_eq!(flow.world.send(call).await.status, 401);
    assert_eq!(socket.message().await["error_type"], "unknown_connect_session_token");
}
