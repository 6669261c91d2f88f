//! Changing and deleting connections (section 11 of the flow).

use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::{Call, Flow, Reply};

async fn connected(flow: &Flow, session: Value) -> String {
    let token = flow.world.mint(session).await;
    flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await
}

async fn patch(flow: &Flow, id: &str, body: Value) -> Reply {
    flow.ask("PATCH", &connection_path("unauth", id), Some(&body)).await
}

async fn metadata(flow: &Flow, method: &str, ids: Value, metadata: Value) -> Reply {
    let body =
        json!({ "connection_id": ids, "provider_config_key": "unauth", "metadata": metadata });
    flow.ask(method, "/connections/metadata", Some(&body)).await
}

/// The answer of GET without the time of the reading.
async fn read(flow: &Flow, id: &str) -> Value {
    let mut connection = flow.connection("unauth", id).await;
    connection["last_fetched_at"] = Value::Null;
    connection
}

#[tokio::test]
async fn tags_are_replaced_and_an_end_user_brings_its_own() {
    let mut flow = Flow::start().await;
    let session = json!({
        "end_user": { "id": "u1", "email": "a@example.com", "display_name": "A" },
        "organization": { "id": "o1" },
        "tags": { "plan": "free" },
    });
    let id = connected(&flow, session).await;
    let before = read(&flow, &id).await;
    flow.world.pass_ms(1_000);

    patch(&flow, &id, json!({})).await.assert(200, &json!({ "success": true }));
    assert_eq!(read(&flow, &id).await, before);

    let reply = patch(&flow, &id, json!({ "tags": { "Plan": "pro" } })).await;
    reply.assert(200, &json!({ "success": true }));
    let mut expected = before.clone();
    expected["tags"] = json!({ "plan": "pro" });
    assert_eq!(read(&flow, &id).await, expected);

    let reply = patch(&flow, &id, json!({ "end_user": { "id": "u2" } })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let connection = read(&flow, &id).await;
    assert_eq!(connection["tags"], json!({ "end_user_id": "u2" }));
    assert_eq!(connection["end_user"]["id"], "u2");
    assert_eq!(connection["end_user"]["email"], Value::Null);
    assert_eq!(connection["end_user"]["display_name"], Value::Null);
    assert_eq!(connection["updated_at"], before["updated_at"]);

    let both = json!({ "end_user": { "id": "u3" }, "tags": { "end_user_id": "x", "a": "b" } });
    assert_eq!(patch(&flow, &id, both).await.status, 200);
    let tags = read(&flow, &id).await["tags"].clone();
    assert_eq!(tags, json!({ "end_user_id": "x", "a": "b" }));
}

#[tokio::test]
async fn the_webhook_override_is_set_and_cleared() {
    let flow = Flow::start().await;
    let id = connected(&flow, json!({ "tags": {} })).await;
    let url = "https://hooks.example.com/x";
    assert_eq!(patch(&flow, &id, json!({ "webhook_url_override": url })).await.status, 200);
    assert_eq!(read(&flow, &id).await["webhook_url_override"], url);
    for (wrong, path) in [
        (json!({ "webhook_url_override": null }), json!(["webhook_url_override"])),
        (json!({ "webhook_url_override": "not a URL" }), json!(["webhook_url_override"])),
        (json!({ "x": 1 }), json!([])),
        // Only a session is told the organization, and beside the end user.
        (json!({ "end_user": { "id": "u", "organization": { "id": "o" } } }), json!(["end_user"])),
    ] {
        let reply = patch(&flow, &id, wrong).await;
        assert_eq!(reply.status, 400, "{reply:?}");
        assert_eq!(reply.json()["error"]["code"], "invalid_body");
        assert_eq!(reply.json()["error"]["errors"][0]["path"], path);
    }
    assert_eq!(read(&flow, &id).await["webhook_url_override"], url);
    assert_eq!(patch(&flow, &id, json!({ "webhook_url_override": "" })).await.status, 200);
    assert_eq!(read(&flow, &id).await["webhook_url_override"], Value::Null);
}

// D39
#[tokio::test]
async fn too_many_tags_change_nothing() {
    let flow = Flow::start().await;
    let id = connected(&flow, json!({ "end_user": { "id": "u1" } })).await;
    let before = read(&flow, &id).await;
    let tags: serde_json::Map<_, _> =
        (0..9).map(|number| (format!("t{number}"), json!("x"))).collect();
    let end_user = json!({ "id": "u2", "email": "b@example.com" });
    let reply = patch(&flow, &id, json!({ "end_user": end_user, "tags": tags })).await;
    let message = "Tags cannot contain more than 10 keys";
    reply.assert(400, &json!({ "error": { "code": "invalid_body", "message": message } }));
    assert_eq!(read(&flow, &id).await, before);
}

/// Query, body, path, integration, connection.
#[tokio::test]
async fn a_patch_is_judged_in_order() {
    let flow = Flow::start().await;
    let wrong = json!({ "x": 1 });
    let good = json!({});
    for (path, body, status, code) in [
        ("/connections/z*z", &wrong, 400, "invalid_query_params"),
        ("/connections/z*z?provider_config_key=nope", &wrong, 400, "invalid_body"),
        ("/connections/z*z?provider_config_key=nope", &good, 400, "invalid_uri_params"),
        ("/connections/nope?provider_config_key=nope", &good, 400, "unknown_provider_config"),
        ("/connections/nope?provider_config_key=unauth", &good, 404, "not_found"),
    ] {
        let reply = flow.ask("PATCH", path, Some(body)).await;
        let told = reply.json();
        assert_eq!((reply.status, &told["error"]["code"]), (status, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn metadata_is_set_and_merged() {
    let mut flow = Flow::start().await;
    let id = connected(&flow, json!({ "tags": {} })).await;
    let other = connected(&flow, json!({ "tags": {} })).await;
    let before = read(&flow, &id).await;
    flow.world.pass_ms(1_000);

    let notes = json!({ "a": 1, "b": { "c": [2] } });
    let sent = json!({ "connection_id": id, "provider_config_key": "unauth", "metadata": notes });
    metadata(&flow, "POST", json!(id), notes.clone()).await.assert(201, &sent);
    let mut expected = before.clone();
    expected["metadata"] = notes;
    assert_eq!(read(&flow, &id).await, expected);

    let reply = metadata(&flow, "PATCH", json!([id, other]), json!({ "b": null, "d": 4 })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let merged = read(&flow, &id).await["metadata"].clone();
    assert_eq!(merged, json!({ "a": 1, "b": null, "d": 4 }));
    assert_eq!(read(&flow, &other).await["metadata"], json!({ "b": null, "d": 4 }));

    assert_eq!(metadata(&flow, "POST", json!(id), json!({})).await.status, 201);
    assert_eq!(read(&flow, &id).await["metadata"], json!({}));
    assert_eq!(metadata(&flow, "POST", json!([]), json!({})).await.status, 201);
    assert_eq!(metadata(&flow, "PATCH", json!([]), json!({})).await.status, 200);
}

#[tokio::test]
async fn one_unknown_connection_is_enough_to_change_none() {
    let flow = Flow::start().await;
    let id = connected(&flow, json!({ "tags": {} })).await;
    let unknown = "Connection with connection id zzz and provider config key unauth not found. \
                   Please make sure the connection exists in the Nango dashboard";
    let none = "No actions were taken on any of the connections as a result of this failure.";
    let error =
        |message: String| json!({ "error": { "code": "unknown_connection", "message": message } });
    for method in ["POST", "PATCH"] {
        let alone = metadata(&flow, method, json!("zzz"), json!({ "a": 1 })).await;
        alone.assert(404, &error(unknown.to_owned()));
        let listed = metadata(&flow, method, json!(["zzz"]), json!({ "a": 1 })).await;
        listed.assert(404, &error(unknown.to_owned()));
        let among = metadata(&flow, method, json!([id, "zzz"]), json!({ "a": 1 })).await;
        among.assert(404, &error(format!("{unknown}. {none}")));
        assert_eq!(read(&flow, &id).await["metadata"], json!({}));
        for wrong in [json!(""), json!(null), json!([""])] {
            let reply = metadata(&flow, method, wrong, json!({})).await;
            let issue = json!({
                "code": "invalid_union", "message": "Invalid input", "path": ["connection_id"],
            });
            reply.assert_issues(&json!([issue]));
        }
    }
}

#[tokio::test]
async fn a_deleted_connection_is_gone_and_its_id_is_free() {
    let flow = Flow::start().await;
    let body = json!({
        "provider_config_key": "unauth", "connection_id": "mine", "credentials": { "type": "NONE" },
    });
    let first = flow.ask("POST", "/connections", Some(&body)).await;
    assert_eq!(first.status, 201, "{first:?}");
    let path = connection_path("unauth", "mine");
    flow.ask("DELETE", &path, Some(&json!({ "x": 1 })))
        .await
        .assert(200, &json!({ "success": true }));
    assert_eq!(flow.ask("GET", &path, None).await.status, 404);
    assert_eq!(flow.connections().await, Vec::<Value>::new());
    let unknown = json!({ "error": { "code": "unknown_connection" } });
    for path in [
        path.clone(),
        connection_path("unauth", "nope"),
        connection_path("nope", "nope"),
        connection_path("prod-only", "mine"),
    ] {
        flow.ask("DELETE", &path, None).await.assert(400, &unknown);
    }
    let second = flow.ask("POST", "/connections", Some(&body)).await;
    assert_eq!(second.status, 201, "{second:?}");
    assert_ne!(second.json()["id"], first.json()["id"]);
    assert_eq!(flow.connection("unauth", "mine").await["id"], second.json()["id"]);
}

#[tokio::test]
async fn connections_of_another_environment_are_unknown() {
    let flow = Flow::start().await;
    let id = connected(&flow, json!({ "tags": {} })).await;
    let prod = "2c9d4a60-5b7e-4f31-8a2d-6e0f1b3c4d55";
    let send = async |call: Call| flow.world.send(call.bearer(prod)).await;
    let path = connection_path("unauth", &id);
    assert_eq!(send(Call::new("GET", &path)).await.status, 400);
    assert_eq!(send(Call::new("DELETE", &path)).await.status, 400);
    assert_eq!(send(Call::new("PATCH", &path).json(&json!({}))).await.status, 400);
    let list = send(Call::new("GET", "/connections")).await;
    assert_eq!(list.json(), json!({ "connections": [] }));
    assert_eq!(flow.connections().await.len(), 1);
}
