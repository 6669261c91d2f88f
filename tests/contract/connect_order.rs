//! The order in which a connect endpoint checks a request (section 4 of the flow): if a request
//! breaks two rules, the answer names the earlier one.

use serde_json::{Value, json};
use tests::flow::connect;
use tests::{Call, Flow, Reply};

/// A rule that a request breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Json,
    ContentType,
    Token,
    Body,
    Query,
    Key,
    ConnectionId,
    Integration,
    AuthMode,
    Allowed,
    Target,
    Credentials,
}

/// Every rule, in the order in which they are checked, and the error for breaking it.
const ORDER: [(Fault, u16, &str); 12] = [
    (Fault::Json, 400, "invalid_json"),
    (Fault::ContentType, 415, "invalid_content_type"),
    (Fault::Token, 401, "missing_public_key"),
    (Fault::Body, 400, "invalid_body"),
    (Fault::Query, 400, "invalid_query_params"),
    (Fault::Key, 400, "invalid_uri_params"),
    (Fault::ConnectionId, 400, "invalid_query_params"),
    (Fault::Integration, 404, "unknown_provider_config"),
    (Fault::AuthMode, 400, "invalid_auth_mode"),
    (Fault::Allowed, 400, "integration_not_allowed"),
    (Fault::Target, 400, "invalid_connection"),
    (Fault::Credentials, 400, "connection_test_failed"),
];

impl Fault {
    /// Faults of the same part of a request, which can have only one of them.
    const SAME_PART: [&[Self]; 2] = [
        &[Self::Json, Self::ContentType, Self::Body, Self::Credentials],
        &[Self::Key, Self::Integration, Self::AuthMode],
    ];

    fn goes_with(self, other: Self) -> bool {
        self != other
            && !Self::SAME_PART.iter().any(|part| part.contains(&self) && part.contains(&other))
    }
}

/// An endpoint and its input.
struct Endpoint {
    route: &'static str,
    integration: &'static str,
    /// Another integration of the same mode.
    sibling: &'static str,
    good: Value,
    malformed: Value,
    /// Credentials that the provider refuses, if the endpoint asks it.
    refused: Option<Value>,
}

fn endpoints() -> [Endpoint; 4] {
    [
        Endpoint {
            route: "/auth/unauthenticated",
            integration: "unauth",
            sibling: "my%20integration",
            good: json!({}),
            malformed: json!({ "x": 1 }),
            refused: None,
        },
        Endpoint {
            route: "/api-auth/api-key",
            integration: "key-verify",
            sibling: "airtable-pat",
            good: json!({ "apiKey": "good" }),
            malformed: json!({ "apiKey": "" }),
            refused: Some(json!({ "apiKey": "bad401" })),
        },
        Endpoint {
            route: "/api-auth/basic",
            integration: "basic-verify",
            sibling: "basic-plain",
            good: json!({ "username": "u", "password": "p" }),
            malformed: json!({ "username": "u" }),
            refused: Some(json!({ "username": "bad403", "password": "p" })),
        },
        Endpoint {
            route: "/auth/jwt",
            integration: "jwt",
            sibling: "jwt",
            good: json!({ "privateKey": { "id": "id", "secret": "00" } }),
            malformed: json!([]),
            refused: None,
        },
    ]
}

/// Sends a request that is valid except for `faults`.
async fn answer(flow: &Flow, endpoint: &Endpoint, faults: &[Fault]) -> Reply {
    let has = |fault| faults.contains(&fault);
    let key = if has(Fault::Key) {
        "a!b"
    } else if has(Fault::Integration) {
        "nope"
    } else if has(Fault::AuthMode) {
        "github-demo"
    } else if has(Fault::Target) && has(Fault::Allowed) {
        // A reconnect session allows the integration of its connection, and no other.
        endpoint.sibling
    } else {
        endpoint.integration
    };
    let mut query = Vec::new();
    if has(Fault::Query) {
        query.push("params=text");
    }
    if has(Fault::ConnectionId) {
        query.push("connection_id=abc");
    }
    let token = if has(Fault::Token) {
        String::new()
    } else if has(Fault::Target) {
        deleted_target(flow, endpoint).await
    } else if has(Fault::Allowed) {
        flow.world.mint(json!({ "tags": {}, "allowed_integrations": ["oauth"] })).await
    } else {
        flow.world.mint(json!({ "tags": {} })).await
    };
    let call = connect(&format!("{}/{key}?{}", endpoint.route, query.join("&")), &token);
    let call = if has(Fault::Json) {
        call.json(&json!({})).body("{")
    } else if has(Fault::ContentType) {
        call.body("x").header("content-type", "text/plain")
    } else if has(Fault::Body) {
        call.json(&endpoint.malformed)
    } else if has(Fault::Credentials) {
        call.json(endpoint.refused.as_ref().expect("credentials"))
    } else {
        call.json(&endpoint.good)
    };
    flow.world.send(call).await
}

/// A session that reconnects a connection that was deleted after the session was made.
async fn deleted_target(flow: &Flow, endpoint: &Endpoint) -> String {
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let path = format!("{}/{}", endpoint.route, endpoint.integration);
    let id = flow.connected(&path, &token, &endpoint.good).await;
    let target = json!({ "connection_id": id, "integration_id": endpoint.integration });
    let token = flow.world.reconnect(target).await.token();
    let path = tests::flow::connection_path(endpoint.integration, &id);
    assert_eq!(flow.ask("DELETE", &path, None).await.status, 200);
    token
}

fn told(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn of_two_faults_the_earlier_one_is_told() {
    let flow = Flow::start().await;
    for endpoint in endpoints() {
        let applies = |fault| {
            (fault != Fault::Credentials || endpoint.refused.is_some())
                && (fault != Fault::Allowed || endpoint.sibling != endpoint.integration)
        };
        let faults: Vec<_> = ORDER.into_iter().filter(|(fault, ..)| applies(*fault)).collect();
        for (index, (first, status, code)) in faults.iter().copied().enumerate() {
            let alone = answer(&flow, &endpoint, &[first]).await;
            assert_eq!(told(&alone), (status, code.to_owned()), "{} {first:?}", endpoint.route);
            for (second, ..) in faults[index..].iter().copied() {
                if first.goes_with(second) {
                    let reply = answer(&flow, &endpoint, &[first, second]).await;
                    let what = format!("{} {first:?} and {second:?}", endpoint.route);
                    assert_eq!(told(&reply), (status, code.to_owned()), "{what}");
                }
            }
        }
        assert_eq!(answer(&flow, &endpoint, &[]).await.status, 200, "{}", endpoint.route);
    }
}

/// This older endpoint checks the fields before it checks the integration.
#[tokio::test]
async fn client_credentials_have_an_order_of_their_own() {
    let flow = Flow::start().await;
    let free = flow.world.mint(json!({ "tags": {} })).await;
    let bound = flow.world.mint(json!({ "tags": {}, "allowed_integrations": ["unauth"] })).await;
    let nothing = json!({});
    let no_secret = json!({ "client_id": "a" });
    let refused = json!({ "client_id": "bad401", "client_secret": "b" });
    for (key, query, token, body, status, code) in [
        ("cc", "", "", &nothing, 401, "missing_public_key"),
        ("nope", "connection_id=abc", &free, &nothing, 400, "missing_client_id"),
        ("nope", "connection_id=abc", &free, &no_secret, 400, "missing_client_secret"),
        ("nope", "connection_id=abc", &free, &refused, 400, "invalid_query_params"),
        ("nope", "", &bound, &refused, 400, "unknown_provider_config"),
        ("no!pe", "", &bound, &refused, 400, "unknown_provider_config"),
        ("oauth", "", &bound, &refused, 400, "invalid_auth_mode"),
        ("cc-tpl", "", &bound, &refused, 400, "integration_not_allowed"),
        ("cc-tpl", "", &free, &refused, 400, "invalid_connection_config"),
        ("cc", "", &free, &refused, 400, "client_credentials_fetch_error"),
    ] {
        let path = format!("/oauth2/auth/{key}?{query}");
        let reply = flow.post(&path, token, body).await;
        assert_eq!(told(&reply), (status, code.to_owned()), "{path} {body}");
    }
}

/// The older endpoint asks for no content type.
#[tokio::test]
async fn client_credentials_come_as_json_or_as_a_form() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let json = r#"{"client_id":"a","client_secret":"b"}"#;
    let form = "client_id=a&client_secret=b";
    let large = "x".repeat(262_144);
    for (content_type, encoding, body, status, code) in [
        ("application/json", "", json, 200, ""),
        ("Application/JSON", "", json, 200, ""),
        ("application/x-www-form-urlencoded", "", form, 200, ""),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "", form, 200, ""),
        ("text/plain", "", form, 400, "missing_client_id"),
        (
            "application/x-www-form-urlencoded",
            "",
            &format!("{form}{large}"),
            413,
            "payload_too_large",
        ),
        ("application/x-www-form-urlencoded", "gzip", form, 415, "unsupported_content_encoding"),
        ("application/x-www-form-urlencoded; charset=latin1", "", form, 415, "unsupported_charset"),
    ] {
        let call = connect("/oauth2/auth/cc", &token).body(body.to_owned());
        let call = call.header("content-type", content_type).header("content-encoding", encoding);
        let reply = flow.world.send(call).await;
        let told = reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, told.as_str()), (status, code), "{content_type} {encoding}");
    }
}

// D40
#[tokio::test]
async fn the_token_stands_in_the_query_and_nowhere_else() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let path = "/auth/unauthenticated/unauth";
    let in_header = Call::new("POST", path).bearer(&token);
    assert_eq!(told(&flow.world.send(in_header).await), (401, "missing_public_key".to_owned()));
    let twice = connect(&format!("{path}?connect_session_token={token}"), &token);
    let reply = flow.world.send(twice).await;
    assert_eq!(told(&reply), (401, "invalid_connect_session_token_format".to_owned()));
    let beside = connect(&format!("{path}?public_key=abc"), &token);
    assert_eq!(flow.world.send(beside).await.status, 200);
    let public_key = Call::new("POST", &format!("{path}?public_key={}", flow.world.secret_key));
    let reply = flow.world.send(public_key).await;
    assert_eq!(told(&reply), (401, "deprecated_authentication".to_owned()));
}

#[tokio::test]
async fn an_ended_session_opens_nothing() {
    let mut flow = Flow::start().await;
    let path = "/auth/unauthenticated/unauth";
    let unknown = (401, "unknown_connect_session_token".to_owned());
    let deleted = flow.world.mint(json!({ "tags": {} })).await;
    assert_eq!(flow.world.delete(&deleted).await.status, 204);
    assert_eq!(told(&flow.world.send(connect(path, &deleted)).await), unknown);
    let expired = flow.world.mint(json!({ "tags": {} })).await;
    flow.world.pass_ms(1_800_000);
    assert_eq!(told(&flow.world.send(connect(path, &expired)).await), unknown);
    assert_eq!(flow.connections().await, Vec::<Value>::new());
}
