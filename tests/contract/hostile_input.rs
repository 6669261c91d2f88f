//! Malicious input to the endpoints that make connections, and malicious providers: each gets a
//! clear error, and nothing is stored.

use std::time::Instant;

use serde_json::{Value, json};
use tests::flow::connect;
use tests::{Call, Flow, Reply};

const API_KEY: &str = "/api-auth/api-key/airtable-pat";
const CHECKED: &str = "/api-auth/api-key/key-verify";

async fn session(flow: &Flow) -> String {
    flow.world.mint(json!({ "tags": {} })).await
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

async fn assert_nothing_stored(flow: &Flow) {
    assert_eq!(flow.connections().await, Vec::<Value>::new());
}

// D4
#[tokio::test]
async fn a_megabyte_of_credentials_is_too_much() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let large = "x".repeat(1024 * 1024);
    for (path, body) in [
        (API_KEY, json!({ "apiKey": large })),
        ("/api-auth/basic/basic-plain", json!({ "username": large, "password": "" })),
        ("/auth/two-step/twostep", json!({ "username": large, "password": "p" })),
        ("/auth/jwt/jwt", json!({ "privateKey": { "id": "a", "secret": large } })),
        ("/oauth2/auth/cc", json!({ "client_id": "a", "client_secret": large })),
    ] {
        let reply = flow.post(path, &token, &body).await;
        assert_eq!(code(&reply), (413, "payload_too_large".to_owned()), "{path}");
    }
    // Below that, the size of a record is the limit.
    let much = json!({ "username": "u", "password": "p", "more": "x".repeat(100 * 1024) });
    let reply = flow.post("/auth/two-step/twostep", &token, &much).await;
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_nothing_stored(&flow).await;
}

// D3
#[tokio::test]
async fn a_lone_surrogate_is_no_text() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    for body in [r#"{"apiKey":"\ud800"}"#, r#"{"apiKey":"\udc00\ud800"}"#, "{\"apiKey\":\"\\ud8"] {
        let call = connect(API_KEY, &token).json(&json!({})).body(body);
        let reply = flow.world.send(call).await;
        assert_eq!(code(&reply), (400, "invalid_json".to_owned()), "{body}");
    }
    assert_nothing_stored(&flow).await;
}

// D2
#[tokio::test]
async fn nul_and_every_other_character_come_back_as_sent() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let odd = "a\u{0}b\u{1}\u{7f}\u{85}\u{2028}\u{feff}\u{fffd}\u{1f600}é\"\\/";
    let query: String = url::form_urlencoded::byte_serialize(odd.as_bytes()).collect();
    let path = format!("{API_KEY}?params[odd]={query}&params[{query}]=value");
    let id = flow.connected(&path, &token, &json!({ "apiKey": odd })).await;
    let connection = flow.connection("airtable-pat", &id).await;
    assert_eq!(connection["credentials"]["apiKey"], odd);
    assert_eq!(connection["connection_config"]["odd"], odd);
    let body = json!({
        "connection_id": id, "provider_config_key": "airtable-pat", "metadata": { odd: odd },
    });
    assert_eq!(flow.ask("POST", "/connections/metadata", Some(&body)).await.status, 201);
    assert_eq!(flow.connection("airtable-pat", &id).await["metadata"], json!({ odd: odd }));
}

/// Text that a header cannot contain, or that would end one, reaches no provider.
#[tokio::test]
async fn a_key_that_is_no_header_value_is_refused() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    for key in ["a\r\nx-evil: 1", "a\nb", "a\u{0}b"] {
        let reply = flow.post(CHECKED, &token, &json!({ "apiKey": key })).await;
        assert_eq!(reply.status, 400, "{key:?}: {reply:?}");
    }
    assert_eq!(flow.provider.calls().len(), 0);
    assert_nothing_stored(&flow).await;
}

#[tokio::test]
async fn odd_parameters_are_dropped_or_refused_and_break_nothing() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let deep = "[x]".repeat(200);
    let many: Vec<_> = (0..2_000).map(|number| format!("params[k{number}]=v")).collect();
    for query in [
        "params[__proto__][polluted]=1".to_owned(),
        "params[constructor][prototype][polluted]=1".to_owned(),
        "params[toString]=1&params[hasOwnProperty]=1".to_owned(),
        "params[]=a&params[b]=c".to_owned(),
        "params[=a".to_owned(),
        "params]=a".to_owned(),
        "params[a]=1&params[a]=2".to_owned(),
        "params[a][b]=1&params[a]=2".to_owned(),
        "params[%00]=a&params[a]=%00".to_owned(),
        "params[%ff]=%ff".to_owned(),
        "params[]=%".to_owned(),
        "params[a]=%zz".to_owned(),
        "params%5Ba%5D=1".to_owned(),
        format!("params{deep}=a"),
        many.join("&"),
    ] {
        let shown = &query[..query.len().min(60)];
        let path = format!("/auth/unauthenticated/unauth?{query}");
        let reply = flow.post(&path, &token, &json!({})).await;
        assert!(matches!(reply.status, 200 | 400), "{shown}: {reply:?}");
        if reply.status == 400 {
            assert_eq!(reply.json()["error"]["code"], "invalid_query_params", "{shown}");
            continue;
        }
        let id = reply.json()["connectionId"].as_str().expect("an id").to_owned();
        let config = flow.connection("unauth", &id).await["connection_config"].clone();
        let config = config.as_object().expect("an object");
        assert!(config.values().all(Value::is_string), "{shown}: {config:?}");
        assert!(!config.contains_key("__proto__"), "{shown}: {config:?}");
    }
}

/// A user's text within a host stays within the host, below the provider's own domain.
#[tokio::test]
async fn a_parameter_cannot_lead_the_request_elsewhere() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let elsewhere = flow.provider.webhooks;
    for value in [
        "..",
        "../..",
        "a/../../b",
        "%2e%2e",
        "a?b=c",
        "a#b",
        "@evil.example",
        &format!("@{elsewhere}/"),
        "\\evil.example",
        "a\r\nHost: evil.example",
        "a b",
        "a%00b",
    ] {
        let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let path = format!("/api-auth/api-key/key-tpl?params[subdomain]={value}");
        let reply = flow.post(&path, &token, &json!({ "apiKey": "good" })).await;
        assert!(matches!(reply.status, 200 | 400), "{value}: {reply:?}");
        for call in flow.provider.calls() {
            let segments: Vec<_> = call.path.split('/').collect();
            assert_eq!(segments.len(), 4, "{value} became {}", call.path);
            assert_eq!(&segments[2..], ["api", "verify-one"], "{value} became {}", call.path);
        }
    }
    assert_eq!(flow.provider.webhooks().len(), 0);
}

#[tokio::test]
async fn a_provider_that_means_harm_gets_no_connection() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    for word in ["drop", "huge", "circle", "inside"] {
        let reply = flow.post(CHECKED, &token, &json!({ "apiKey": word })).await;
        let expected = (400, "connection_test_failed".to_owned());
        assert_eq!(code(&reply), expected, "a key that is checked: {word}");

        let client = json!({ "client_id": word, "client_secret": "s" });
        let reply = flow.post("/oauth2/auth/cc", &token, &client).await;
        assert!(matches!(reply.status, 400 | 500), "client credentials: {word} {reply:?}");

        let user = json!({ "username": word, "password": "p" });
        let reply = flow.post("/auth/two-step/twostep", &token, &user).await;
        assert_eq!(reply.status, 400, "two steps: {word} {reply:?}");
        assert!(reply.body.len() < 10_000, "{word}");
    }
    assert_nothing_stored(&flow).await;
}

// D33
#[tokio::test]
async fn nobody_waits_for_a_provider_longer_than_ten_seconds() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let began = Instant::now();
    let [slow, dripping] = ["slow", "drip"].map(|key| json!({ "apiKey": key }));
    let (slow, dripping) = futures_util::join!(
        flow.post(CHECKED, &token, &slow),
        flow.post(CHECKED, &token, &dripping),
    );
    for reply in [slow, dripping] {
        assert_eq!(code(&reply), (400, "connection_test_failed".to_owned()));
    }
    assert!(began.elapsed().as_secs() < 12, "{:?}", began.elapsed());
    assert_nothing_stored(&flow).await;
}

// D29
#[tokio::test]
async fn a_key_of_the_wrong_shape_is_refused_and_not_repeated() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    for (key, expected, received, path) in [
        (json!("hunter2"), "object", "string", json!(["privateKey"])),
        (json!("id:hunter2"), "object", "string", json!(["privateKey"])),
        (json!(["hunter2"]), "object", "array", json!(["privateKey"])),
        (json!(null), "object", "null", json!(["privateKey"])),
        (
            json!({ "id": 1, "secret": ["hunter2"] }),
            "string",
            "array",
            json!(["privateKey", "secret"]),
        ),
    ] {
        let body = json!({ "privateKey": key, "x": "hunter2" });
        let message = format!("Invalid input: expected {expected}, received {received}");
        let issue = json!({ "code": "invalid_type", "message": message, "path": path });
        flow.post("/auth/jwt/jwt", &token, &body).await.assert_issues(&json!([issue]));
    }
    let bill =
        json!({ "username": "bad", "password": "hunter2", "organization_id": "o", "dev_key": "d" });
    let reply = flow.post("/auth/bill/bill", &token, &bill).await;
    assert_eq!(code(&reply), (400, "connection_test_failed".to_owned()));
    let tba = json!({ "token_id": "BADTOK", "token_secret": "hunter2" });
    let reply = flow.post("/auth/tba/tba?params[accountId]=1", &token, &tba).await;
    assert_eq!(code(&reply), (400, "connection_test_failed".to_owned()));
    assert_nothing_stored(&flow).await;
}

#[tokio::test]
async fn text_where_an_object_belongs_is_told() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    for body in ["null", "1", "\"text\"", "true"] {
        let call = connect(API_KEY, &token).json(&json!({})).body(body);
        let reply = flow.world.send(call).await;
        assert_eq!(reply.status, 400, "{body}: {reply:?}");
    }
    let import = Call::new("POST", "/connections").bearer(&flow.world.secret_key);
    let reply = flow.world.send(import.json(&json!([]))).await;
    assert_eq!(code(&reply), (400, "invalid_body".to_owned()));
    assert_nothing_stored(&flow).await;
}
