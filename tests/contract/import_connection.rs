//! `POST /connections` (section 11.4 of the flow): a connection that was made elsewhere.

use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::{Flow, Reply};

async fn import(flow: &Flow, body: Value) -> Reply {
    flow.ask("POST", "/connections", Some(&body)).await
}

#[tokio::test]
async fn it_has_all_that_was_sent() {
    let flow = Flow::start().await;
    let credentials = json!({
        "type": "OAUTH2",
        "access_token": "at",
        "refresh_token": "rt",
        "expires_at": "2030-01-02T03:04:05.000Z",
        "config_override": { "client_id": "c", "client_secret": "d" },
    });
    let reply = import(
        &flow,
        json!({
            "provider_config_key": "oauth",
            "connection_id": "mine",
            "credentials": credentials,
            "metadata": { "a": [1] },
            "connection_config": { "oauth_scopes_override": ["a", "b"], "x": { "y": 1 } },
            "webhook_url_override": "https://hooks.example.com/one",
            "end_user": { "id": "u1", "email": "ada@example.com" },
            "tags": { "Plan": "pro" },
        }),
    )
    .await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let imported = reply.json();
    let now = format!("{:.3}", flow.world.now);
    assert_eq!(imported["created_at"], now);
    assert_eq!(imported["updated_at"], now);
    assert_eq!(imported["metadata"], json!({ "a": [1] }));
    assert_eq!(imported["connection_config"]["x"], json!({ "y": 1 }));
    assert_eq!(imported["connection_config"]["oauth_scopes_override"], json!(["a", "b"]));
    assert_eq!(imported["webhook_url_override"], "https://hooks.example.com/one");
    assert_eq!(imported["tags"]["plan"], "pro");
    assert_eq!(imported["credentials"]["refresh_token"], "rt");
    assert_eq!(imported["credentials"]["raw"], credentials);
    let names: Vec<_> = imported["credentials"].as_object().expect("an object").keys().collect();
    let in_order =
        ["type", "access_token", "refresh_token", "expires_at", "raw", "config_override"];
    assert_eq!(names, in_order);

    let read = flow.connection("oauth", "mine").await;
    for field in ["id", "tags", "metadata", "connection_config", "webhook_url_override"] {
        assert_eq!(read[field], imported[field], "{field}");
    }
    assert_eq!(read["end_user"]["id"], "u1");
    assert_eq!(read["credentials"]["expires_at"], "2030-01-02T03:04:05.000Z");
}

#[tokio::test]
async fn the_same_id_again_replaces_it() {
    let flow = Flow::start().await;
    let sent = |key: &str, extra: Value| {
        let mut body = json!({
            "provider_config_key": "key-verify",
            "connection_id": "mine",
            "credentials": { "type": "API_KEY", "apiKey": key },
        });
        body.as_object_mut().expect("an object").extend(extra.as_object().expect("one").clone());
        body
    };
    let extra = json!({ "metadata": { "a": 1 }, "tags": { "a": "b" } });
    let first = import(&flow, sent("one", extra)).await;
    assert_eq!(first.status, 201, "{first:?}");
    let second = import(&flow, sent("two", json!({}))).await;
    assert_eq!(second.status, 201, "{second:?}");
    let read = flow.connection("key-verify", "mine").await;
    assert_eq!(read["id"], first.json()["id"]);
    assert_eq!(read["credentials"]["apiKey"], "two");
    assert_eq!((&read["metadata"], &read["tags"]), (&json!({}), &json!({})));
    assert_eq!(flow.connections().await.len(), 1);
}

// D38
#[tokio::test]
async fn an_id_that_nobody_could_address_is_refused() {
    let flow = Flow::start().await;
    for id in ["", "a*b(c)", "é", "a\u{0}b", &"x".repeat(256)] {
        let reply = import(
            &flow,
            json!({
                "provider_config_key": "unauth",
                "connection_id": id,
                "credentials": { "type": "NONE" },
            }),
        )
        .await;
        assert_eq!(reply.status, 400, "{id:?}: {reply:?}");
        let error = reply.json()["error"].clone();
        assert_eq!(error["code"], "invalid_body", "{id:?}");
        assert_eq!(error["errors"][0]["path"], json!(["connection_id"]), "{id:?}");
    }
    // Whatever has the form of an id is accepted, including one with a slash.
    let id = r#"{"a": [1]}/b@c.d"#;
    let body = json!({
        "provider_config_key": "unauth", "connection_id": id, "credentials": { "type": "NONE" },
    });
    assert_eq!(import(&flow, body).await.status, 201);
    assert_eq!(flow.connections().await[0]["connection_id"], id);
}

#[tokio::test]
async fn it_is_judged_in_order() {
    let flow = Flow::start().await;
    let body = |integration: &str, credentials: Value| json!({ "provider_config_key": integration, "credentials": credentials });
    let api_key = |key: &str| json!({ "type": "API_KEY", "apiKey": key });
    let tba = json!({ "type": "TBA", "token_id": "a", "token_secret": "b" });
    let failed = "The given credentials were found to be invalid. Please check the credentials and \
                  try again.";
    let accountless =
        "Missing accountId in connection_config. This is required to create a TBA connection.";
    for (body, status, code, message) in [
        (body("nope", api_key("bad401")), 404, "not_found", "Integration does not exist"),
        (
            body("unauth", api_key("bad401")),
            400,
            "invalid_body",
            "Provider NONE does not support API_KEY auth",
        ),
        (body("tba", tba), 400, "invalid_body", accountless),
        (body("key-verify", api_key("bad401")), 400, "connection_test_failed", failed),
    ] {
        let told = json!({ "error": { "code": code, "message": message } });
        import(&flow, body).await.assert(status, &told);
    }
    let user = json!({ "id": "u", "organization": { "id": "o" } });
    let reply = import(
        &flow,
        json!({
            "provider_config_key": "unauth", "credentials": { "type": "NONE" }, "end_user": user,
        }),
    );
    reply.await.assert_issues(&json!([{
        "code": "unrecognized_keys",
        "message": "Unrecognized key: \"organization\"",
        "path": ["end_user"],
    }]));
    let scopes = json!({
        "provider_config_key": "oauth",
        "credentials": { "type": "OAUTH2", "access_token": "a" },
        "connection_config": { "oauth_scopes_override": "a,b" },
    });
    let reply = import(&flow, scopes).await;
    assert_eq!(reply.status, 400, "{reply:?}");
    let path = json!(["connection_config", "oauth_scopes_override"]);
    assert_eq!(reply.json()["error"]["errors"][0]["path"], path);
    assert_eq!(flow.connections().await, Vec::<Value>::new());
}

/// Token-based authentication is tried with the client that the credentials bring, else with that
/// of the integration.
#[tokio::test]
async fn tokens_are_tried_with_their_own_client() {
    let flow = Flow::start().await;
    for (own, client) in [
        (json!({ "client_id": "own-id", "client_secret": "own-secret" }), "own-id"),
        (json!({ "client_id": "own-id" }), "tba-id"),
        (json!({}), "tba-id"),
    ] {
        let credentials = json!({
            "type": "TBA", "token_id": "a", "token_secret": "b", "config_override": own,
        });
        let body = json!({
            "provider_config_key": "tba",
            "credentials": credentials,
            "connection_config": { "accountId": "1" },
        });
        let reply = import(&flow, body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        assert_eq!(reply.json()["credentials"], credentials);
        let signed = flow.provider.calls().pop().expect("a call");
        let signed = signed.header("authorization").expect("a signature").to_owned();
        assert!(signed.contains(&format!("oauth_consumer_key=\"{client}\"")), "{signed}");
    }
}

/// An imported connection is like any other: its user can reconnect it.
#[tokio::test]
async fn its_user_can_reconnect_it() {
    let flow = Flow::start().await;
    let body = json!({
        "provider_config_key": "key-verify",
        "connection_id": "mine",
        "credentials": { "type": "API_KEY", "apiKey": "one" },
    });
    assert_eq!(import(&flow, body).await.status, 201);
    let target = json!({ "connection_id": "mine", "integration_id": "key-verify" });
    let token = flow.world.reconnect(target).await.token();
    let path = "/api-auth/api-key/key-verify";
    assert_eq!(flow.connected(path, &token, &json!({ "apiKey": "two" })).await, "mine");
    let reply = flow.ask("GET", &connection_path("key-verify", "mine"), None).await;
    assert_eq!(reply.json()["credentials"]["apiKey"], "two");
}
