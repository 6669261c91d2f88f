//! The connection that a session's user makes (section 4 of the flow): what it takes from the
//! session, and what the browser may add.

use serde_json::{Value, json};
use tests::Flow;

const UNAUTHENTICATED: &str = "/auth/unauthenticated/unauth";

/// The connection that the user of a session makes at a connect endpoint.
async fn made(flow: &Flow, session: Value, path: &str, body: &Value) -> Value {
    let token = flow.world.mint(session).await;
    let id = flow.connected(path, &token, body).await;
    let integration = path.split(['/', '?']).nth(3).expect("an integration");
    flow.connection(integration, &id).await
}

fn is_uuid4(text: &str) -> bool {
    let uuid = uuid::Uuid::try_parse(text).expect("a UUID");
    uuid.get_version_num() == 4 && text == uuid.to_string()
}

// R6 D36
#[tokio::test]
async fn it_has_the_tags_and_the_end_user_of_the_session() {
    let flow = Flow::start().await;
    let token = flow
        .world
        .mint(json!({
            "end_user": {
                "id": "u1",
                "email": "ada@example.com",
                "display_name": "Ada",
                "tags": { "Plan": "pro" },
            },
            "organization": { "id": "o1", "display_name": "Analysts" },
            "tags": { "Team": "blue" },
            "webhook_url_override": "https://hooks.example.com/one",
        }))
        .await;
    let reply = flow.post("/api-auth/api-key/key-verify", &token, &json!({ "apiKey": "k" })).await;
    let id = reply.json()["connectionId"].as_str().expect("an id").to_owned();
    reply.assert(200, &json!({ "connectionId": id, "providerConfigKey": "key-verify" }));
    assert!(is_uuid4(&id));

    let connection = flow.connection("key-verify", &id).await;
    let number = connection["id"].as_u64().expect("a number");
    assert!(number < 1 << 53, "every JSON reader keeps it");
    let now = format!("{:.3}", flow.world.now).replace('Z', "+00:00");
    assert_eq!(
        connection,
        json!({
            "id": number,
            "connection_id": id,
            "provider_config_key": "key-verify",
            "provider": "fk-apikey",
            "errors": [],
            "end_user": {
                "id": "u1",
                "display_name": "Ada",
                "email": "ada@example.com",
                "tags": { "Plan": "pro" },
                "organization": { "id": "o1", "display_name": "Analysts" },
            },
            "tags": {
                "end_user_id": "u1",
                "end_user_email": "ada@example.com",
                "end_user_display_name": "Ada",
                "organization_id": "o1",
                "organization_display_name": "Analysts",
                "plan": "pro",
                "team": "blue",
            },
            "metadata": {},
            "connection_config": {},
            "webhook_url_override": "https://hooks.example.com/one",
            "created_at": now,
            "updated_at": now,
            "last_fetched_at": now,
            "credentials": { "type": "API_KEY", "apiKey": "k" },
        })
    );
}

#[tokio::test]
async fn a_session_of_tags_alone_makes_one_without_an_end_user() {
    let flow = Flow::start().await;
    let session = json!({ "tags": { "project": "p1" } });
    let connection = made(&flow, session, UNAUTHENTICATED, &json!({})).await;
    assert_eq!(connection["end_user"], Value::Null);
    assert_eq!(connection["tags"], json!({ "project": "p1" }));
    assert_eq!(connection["webhook_url_override"], Value::Null);
    assert_eq!(connection["credentials"], json!({}));
}

/// The session's values are taken as they are; of the browser's values only text is.
#[tokio::test]
async fn its_configuration_is_the_browsers_below_that_of_the_session() {
    let flow = Flow::start().await;
    let defaults = json!({ "unauth": { "connection_config": {
        "subdomain": "session", "empty": "", "list": [1, { "a": null }], "flag": false,
    } } });
    let session = json!({ "tags": {}, "integrations_config_defaults": defaults });
    let query = "params[subdomain]=browser&params[region]=eu%20west&params[blank]=&params[n]=1\
                 &params[webhook_url]=https%3A%2F%2Fevil.example.com&params[nested][x]=y\
                 &params[list][]=a&params[dotted.name]=d";
    let path = format!("{UNAUTHENTICATED}?{query}");
    let connection = made(&flow, session, &path, &json!({})).await;
    assert_eq!(
        connection["connection_config"],
        json!({
            "subdomain": "session",
            "region": "eu west",
            "blank": "",
            "n": "1",
            "dotted.name": "d",
            "empty": "",
            "list": [1, { "a": null }],
            "flag": false,
        })
    );
    assert_eq!(connection["webhook_url_override"], Value::Null);
}

/// The defaults of one integration do not apply to another.
#[tokio::test]
async fn defaults_of_other_integrations_are_left_alone() {
    let flow = Flow::start().await;
    let defaults = json!({ "airtable-pat": { "connection_config": { "a": "b" } } });
    let session = json!({ "tags": {}, "integrations_config_defaults": defaults });
    let connection = made(&flow, session, UNAUTHENTICATED, &json!({})).await;
    assert_eq!(connection["connection_config"], json!({}));
}

#[tokio::test]
async fn every_use_of_a_session_makes_another_one() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "end_user": { "id": "u1" } })).await;
    let first = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let second = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    assert_ne!(first, second);
    // Each connection has its own copy of the end user.
    let path = tests::flow::connection_path("unauth", &first);
    let change = json!({ "end_user": { "id": "u2" } });
    assert_eq!(flow.ask("PATCH", &path, Some(&change)).await.status, 200);
    assert_eq!(flow.connection("unauth", &first).await["end_user"]["id"], "u2");
    assert_eq!(flow.connection("unauth", &second).await["end_user"]["id"], "u1");
    // The connections outlive the session.
    assert_eq!(flow.world.delete(&token).await.status, 204);
    assert_eq!(flow.connections().await.len(), 2);
}

#[tokio::test]
async fn credentials_that_the_provider_refuses_are_not_stored() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let refused = json!({ "error": {
        "code": "connection_test_failed",
        "message": "The given credentials were found to be invalid. Please check the credentials \
                    and try again.",
    } });
    for key in ["bad400", "bad401", "bad403", "bad404", "bad429", "bad500", "bad503", "drop"] {
        let body = json!({ "apiKey": key });
        flow.post("/api-auth/api-key/key-verify", &token, &body).await.assert(400, &refused);
        let body = json!({ "username": key, "password": "p" });
        flow.post("/api-auth/basic/basic-verify", &token, &body).await.assert(400, &refused);
    }
    assert_eq!(flow.connections().await, Vec::<Value>::new());
    assert_eq!(flow.provider.calls().len(), 16);
    assert_eq!(flow.provider.webhooks().len(), 0);
}

/// The check is the request that the provider's template describes, with the user's values.
#[tokio::test]
async fn credentials_are_checked_with_the_providers_own_request() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let key = json!({ "apiKey": "key-1" });
    flow.connected("/api-auth/api-key/key-verify", &token, &key).await;
    let basic = json!({ "username": "ada", "password": "l:ve" });
    flow.connected("/api-auth/basic/basic-verify", &token, &basic).await;
    let half = json!({ "apiKey": "half" });
    flow.connected("/api-auth/api-key/key-tpl?params[subdomain]=acme", &token, &half).await;
    let plain = json!({ "username": "", "password": "" });
    flow.connected("/api-auth/basic/basic-plain", &token, &plain).await;

    let calls = flow.provider.calls();
    let lines: Vec<_> =
        calls.iter().map(|call| (&*call.method, &*call.path, &*call.body)).collect();
    assert_eq!(
        lines,
        [
            ("GET", "/api/verify", ""),
            ("GET", "/api/basic-verify", ""),
            // The first refuses, the second takes it.
            ("POST", "/acme/api/verify-one", ""),
            ("POST", "/acme/api/verify-two", ""),
        ]
    );
    assert_eq!(calls[0].header("authorization"), Some("Bearer key-1"));
    assert_eq!(calls[1].credential(), "ada:l:ve");
    assert_eq!(calls[2].header("x-api-key"), Some("half"));
}

// D27
#[tokio::test]
async fn a_value_that_the_template_needs_has_to_be_there() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let missing = json!({ "error": {
        "code": "invalid_connection_config", "message": "Missing value: subdomain",
    } });
    for (path, body) in [
        ("/api-auth/api-key/key-tpl", json!({ "apiKey": "good" })),
        ("/api-auth/api-key/key-tpl?params[subdomain]=", json!({ "apiKey": "good" })),
        ("/oauth2/auth/cc-tpl", json!({ "client_id": "a", "client_secret": "b" })),
    ] {
        flow.post(path, &token, &body).await.assert(400, &missing);
    }
    assert_eq!(flow.provider.calls().len(), 0);
    assert_eq!(flow.connections().await, Vec::<Value>::new());
}

// D28
#[tokio::test]
async fn an_integration_with_a_redirect_cannot_be_connected_without_it() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let refused = json!({ "error": { "code": "invalid_auth_mode" } });
    for key in ["oauth", "oauth1", "unauth"] {
        let path = format!("/auth/oauth-outbound/{key}");
        flow.world.send(tests::flow::connect(&path, &token)).await.assert(400, &refused);
    }
    assert_eq!(flow.connections().await, Vec::<Value>::new());
}

// D42
#[tokio::test]
async fn a_token_may_come_as_a_form() {
    let flow = Flow::start().await;
    let client = json!({ "client_id": "form", "client_secret": "s" });
    let connection = made(&flow, json!({ "tags": {} }), "/oauth2/auth/cc", &client).await;
    let credentials = &connection["credentials"];
    assert_eq!(credentials["token"], "cc-form");
    let expires_at = flow.world.now + jiff::SignedDuration::from_mins(1);
    assert_eq!(credentials["expires_at"], format!("{expires_at:.3}"));
}

// D65
#[tokio::test]
async fn the_client_of_an_integration_stays_out_of_the_configuration() {
    let flow = Flow::start().await;
    let tokens = json!({ "token_id": "i", "token_secret": "s" });
    let path = "/auth/tba/tba?params[accountId]=1";
    let connection = made(&flow, json!({ "tags": {} }), path, &tokens).await;
    assert_eq!(connection["connection_config"], json!({ "accountId": "1" }));
    assert!(!connection.to_string().contains("tba-secret"), "{connection}");
}

// D44
#[tokio::test]
async fn maps_are_read_in_the_order_in_which_they_were_written() {
    let flow = Flow::start().await;
    let tags = json!({ "zz": "1", "b": "2", "aaa": "3" });
    let config = json!({ "unauth": { "connection_config": { "yy": 1, "c": 2, "bbb": 3 } } });
    let session = json!({ "tags": tags, "integrations_config_defaults": config });
    let token = flow.world.mint(session).await;
    let id = flow.connected(UNAUTHENTICATED, &token, &json!({})).await;
    let body = json!({
        "connection_id": id,
        "provider_config_key": "unauth",
        "metadata": { "xx": { "z": 1, "a": 2 }, "d": 2, "ccc": 3 },
    });
    assert_eq!(flow.ask("POST", "/connections/metadata", Some(&body)).await.status, 201);
    let path = tests::flow::connection_path("unauth", &id);
    let read = flow.ask("GET", &path, None).await.body;
    for text in [
        r#""tags":{"zz":"1","b":"2","aaa":"3"}"#,
        r#""metadata":{"xx":{"z":1,"a":2},"d":2,"ccc":3}"#,
        r#""connection_config":{"yy":1,"c":2,"bbb":3}"#,
    ] {
        assert!(read.contains(text), "{text} in {read}");
    }
}
