//! Requests while DynamoDB fails. The faults are injected on the wire.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use local::dynamodb;
use serde_json::{Value, json};
use tests::{Call, Fault, World};

fn unavailable() -> Value {
    json!({ "error": {
        "code": "service_unavailable", "message": "The service is temporarily unavailable, try again",
    } })
}

#[tokio::test]
async fn a_fault_that_passes_is_not_seen() {
    for fault in [Fault::Throttled, Fault::Failed, Fault::Broken] {
        let world = World::start().await;
        let token = world.mint(json!({ "tags": {} })).await;
        world.wire.calls();
        world.wire.fail([fault, fault]);
        assert_eq!(world.get(&token).await.status, 200, "{fault:?}");
        assert_eq!(world.wire.calls(), ["GetItem"; 3]);
    }
}

#[tokio::test]
async fn a_fault_that_stays_is_503_on_every_endpoint_and_nothing_internal_leaves() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let body = json!({ "connection_id": "conn-1", "integration_id": "github" });
    for fault in [Fault::Throttled, Fault::Failed, Fault::Broken] {
        for call in [
            Call::create(&world.secret_key, &json!({ "tags": {} })),
            Call::reconnect(&world.secret_key, &body),
            Call::get(&token),
            Call::delete(&token),
        ] {
            world.wire.fail([fault; 3]);
            world.send(call).await.assert(503, &unavailable());
        }
    }
    assert_eq!(world.get(&token).await.status, 200);
}

/// This is for `cargo run`, whose engine shares the machine with builds and browsers. On AWS, a
/// function gives such a call up, because another attempt is the better use of the time.
#[tokio::test]
async fn an_engine_that_is_slow_for_a_second_is_no_outage_on_a_laptop() {
    let world = World::start().await;
    let url = format!("http://{}", world.wire.address);
    let mut held = world.wire.hold();
    tokio::spawn(async move {
        while let Some(call) = held.recv().await {
            tokio::time::sleep(Duration::from_secs(1)).await;
            call.release().await;
        }
    });
    let credentials = || Credentials::new("test", "test", None, None, "test");
    let patient = dynamodb::patient_client(&url, "us-east-1".to_owned(), credentials());
    let client = dynamodb::client(&url, "us-east-1".to_owned(), credentials());
    let get = async |client: Client| {
        let key = AttributeValue::B(Blob::new(*b"a key"));
        client.get_item().table_name("sessions").key("token_hash", key).send().await
    };
    world.wire.calls();
    get(patient).await.expect("an answer");
    assert_eq!(world.wire.calls(), ["GetItem"], "waited for, and not repeated");
    get(client).await.expect_err("no answer in time");
}

#[tokio::test]
async fn an_engine_that_says_nothing_is_given_up_on() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    world.wire.fail([Fault::Silent; 3]);
    world.get(&token).await.assert(503, &unavailable());
}

#[tokio::test]
async fn what_nobody_foresaw_is_500_and_not_repeated() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    world.wire.calls();
    world.wire.fail([Fault::Refused]);
    let reply = world.get(&token).await;
    let message = "An unexpected error occurred";
    reply.assert(500, &json!({ "error": { "code": "server_error", "message": message } }));
    assert_eq!(world.wire.calls(), ["GetItem"]);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_on_the_way_is_one_session() {
    let world = World::start().await;
    world.mint(json!({ "tags": {} })).await;
    world.wire.calls();
    world.wire.fail([Fault::AnswerLost]);
    let token = world.mint(json!({ "tags": {} })).await;
    assert_eq!(world.wire.calls(), ["PutItem", "PutItem"]);
    assert_eq!(world.get(&token).await.status, 200);
    assert_eq!(world.session_items().await.len(), 2);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_500() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let mut item = world.session_items().await.remove(0);
    item.remove("environment_id");
    let table = &world.app.settings.tables.sessions;
    let put = world.client.put_item().table_name(table).set_item(Some(item));
    put.send().await.expect("a write");
    assert_eq!(world.get(&token).await.status, 500);
}
