//! Requests while KMS fails, and how often KMS is called. The faults are injected on the wire.

use serde_json::{Value, json};
use tests::flow::{connect, connection_path};
use tests::{Call, Fault, Flow};

const API_KEY: &str = "/api-auth/api-key/airtable-pat";

fn key(text: &str) -> Value {
    json!({ "apiKey": text })
}

fn import(id: &str) -> Value {
    json!({
        "provider_config_key": "airtable-pat",
        "connection_id": id,
        "credentials": { "type": "API_KEY", "apiKey": "imported" },
    })
}

fn unavailable() -> Value {
    json!({ "error": {
        "code": "service_unavailable", "message": "The service is temporarily unavailable, try again",
    } })
}

#[tokio::test]
async fn where_kms_does_not_answer_it_is_503_and_only_the_failure_is_told() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let id = flow.connected(API_KEY, &token, &key("first")).await;
    let again = json!({ "connection_id": id, "integration_id": "airtable-pat" });
    let again = flow.world.reconnect(again).await.token();
    let server = |call: Call| call.bearer(&flow.world.secret_key);
    let path = connection_path("airtable-pat", &id);
    let calls = [
        connect(API_KEY, &token).json(&key("second")),
        connect(API_KEY, &again).json(&key("third")),
        server(Call::new("GET", &path)),
        server(Call::new("POST", "/connections")).json(&import("new")),
        server(Call::new("POST", "/connections")).json(&import(&id)),
    ];
    flow.world.take_events().await;
    let before = flow.world.dump().await;
    for fault in [Fault::Refused, Fault::Throttled, Fault::Silent] {
        for call in &calls {
            flow.world.restart();
            flow.world.kms_wire.fail([fault; 3]);
            flow.world.send(call.clone()).await.assert(503, &unavailable());
            flow.world.kms_wire.fail([]);
        }
    }
    // For each fault, webhooks report the two calls that were to make a connection; nothing else is
    // written.
    let events = flow.world.take_events().await;
    assert_eq!(events.len(), 3 * 2);
    for event in &events {
        let told: Value = serde_json::from_str(&event.body).expect("JSON");
        assert_eq!(told["success"], false, "{told}");
    }
    let after = flow.world.dump().await;
    assert!(before.len() == after.len() && before.iter().all(|item| after.contains(item)));
    // The same container works again as soon as KMS does.
    assert_eq!(flow.connection("airtable-pat", &id).await["credentials"]["apiKey"], "first");
}

#[tokio::test]
async fn with_a_disabled_key_no_credentials_are_read_and_sessions_go_on() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let id = flow.connected(API_KEY, &token, &key("first")).await;
    flow.world.kms.disable_key();
    flow.world.restart();
    let path = connection_path("airtable-pat", &id);
    flow.ask("GET", &path, None).await.assert(503, &unavailable());
    flow.post(API_KEY, &token, &key("second")).await.assert(503, &unavailable());

    let token = flow.world.mint(json!({ "end_user": { "id": "u" } })).await;
    assert_eq!(flow.world.get(&token).await.status, 200);
    assert_eq!(flow.connections().await.len(), 1);
    // A connection without secrets is made and read as usual.
    let open = flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    assert_eq!(flow.connection("unauth", &open).await["credentials"], json!({}));
    assert_eq!(flow.world.delete(&token).await.status, 204);

    flow.world.kms.enable_key();
    assert_eq!(flow.connection("airtable-pat", &id).await["credentials"]["apiKey"], "first");
}

#[tokio::test]
async fn a_container_asks_kms_once_to_read_what_fifty_others_wrote() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.world.kms_wire.calls();
    let mut ids = Vec::new();
    for number in 0..50 {
        flow.world.enter(flow.world.cold());
        ids.push(flow.connected(API_KEY, &token, &key(&format!("key-{number}"))).await);
    }
    assert_eq!(flow.world.kms_wire.calls(), ["Decrypt"; 50]);
    flow.world.restart();
    for (number, id) in ids.iter().enumerate() {
        let connection = flow.connection("airtable-pat", id).await;
        assert_eq!(connection["credentials"]["apiKey"], format!("key-{number}"));
    }
    assert_eq!(flow.world.kms_wire.calls(), ["Decrypt"]);
}

#[tokio::test]
async fn credentials_of_a_removed_environment_open_nowhere() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let id = flow.connected(API_KEY, &token, &key("first")).await;
    let items = flow.world.dump().await;
    let item = items.into_iter().find(|item| item.contains_key("credentials"));
    let mut item = item.expect("a connection");
    let partition = item["pk"].as_s().expect("a text").clone();

    let gone = json!({ "environments": [{ "name": "dev", "state": "absent" }] });
    flow.world.provision(gone).await.expect("a good document");
    // Webhooks outlive it until they expire; they hold no credentials.
    let events = flow.world.take_events().await;
    assert!(!events.is_empty() && events.iter().all(|event| !event.body.contains("first")));
    let dump = flow.world.dump().await;
    assert!(!dump.iter().any(|item| item.get("pk").is_some_and(|pk| pk.as_s() == Ok(&partition))));

    // A backup of the connection, below the environment that has the name now.
    let document = tests::flow::document(&flow.provider);
    flow.world.provision(document).await.expect("a good document");
    flow.world.restart();
    let path = connection_path("airtable-pat", &id);
    assert_eq!(flow.ask("GET", &path, None).await.status, 404);
    let other = flow.world.mint(json!({ "tags": {} })).await;
    flow.connected(API_KEY, &other, &key("second")).await;
    let dump = flow.world.dump().await;
    let standing = dump.iter().find(|item| item.contains_key("credentials"));
    item.insert("pk".to_owned(), standing.expect("a connection")["pk"].clone());
    let table = &flow.world.app.settings.tables.connections;
    let put = flow.world.client.put_item().table_name(table).set_item(Some(item));
    put.send().await.expect("a write");
    let reply = flow.ask("GET", &path, None).await;
    assert_eq!(reply.status, 500, "{reply:?}");
    assert!(!reply.body.contains("first"), "{reply:?}");
}
