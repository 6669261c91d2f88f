//! What the scopes of a secret key allow (sections 2, 9, 10 and 11 of the flow).

use serde_json::{Value, json};
use tests::{Call, Flow, Reply};

/// An endpoint for the customer's server: method, path, body, and the scopes of which one is
/// enough.
type Endpoint = (&'static str, &'static str, Value, &'static [&'static str]);

const CREATE_SESSIONS: &[&str] = &["environment:connect_sessions:write"];
const LIST_INTEGRATIONS: &[&str] =
    &["environment:integrations:list", "environment:integrations:list_credentials"];
const READ_INTEGRATIONS: &[&str] =
    &["environment:integrations:read", "environment:integrations:read_credentials"];
const LIST_CONNECTIONS: &[&str] =
    &["environment:connections:list", "environment:connections:list_credentials"];
const READ_CONNECTIONS: &[&str] =
    &["environment:connections:read", "environment:connections:read_credentials"];
const UPDATE_CONNECTIONS: &[&str] = &["environment:connections:update"];
const DELETE_CONNECTIONS: &[&str] = &["environment:connections:delete"];
const CREATE_CONNECTIONS: &[&str] = &["environment:connections:create"];

fn endpoints() -> [Endpoint; 11] {
    let none = Value::Null;
    let import = json!({ "provider_config_key": "unauth", "credentials": { "type": "NONE" } });
    let metadata = json!({ "connection_id": [], "provider_config_key": "unauth", "metadata": {} });
    let target = json!({ "connection_id": "nope", "integration_id": "unauth" });
    let one = "/connections/nope?provider_config_key=unauth";
    [
        ("POST", "/connect/sessions", json!({ "tags": {} }), CREATE_SESSIONS),
        ("POST", "/connect/sessions/reconnect", target, CREATE_SESSIONS),
        ("GET", "/integrations", none.clone(), LIST_INTEGRATIONS),
        ("GET", "/integrations/unauth", none.clone(), READ_INTEGRATIONS),
        ("GET", "/connections", none.clone(), LIST_CONNECTIONS),
        ("GET", one, none.clone(), READ_CONNECTIONS),
        ("PATCH", one, json!({}), UPDATE_CONNECTIONS),
        ("POST", "/connections/metadata", metadata.clone(), UPDATE_CONNECTIONS),
        ("PATCH", "/connections/metadata", metadata, UPDATE_CONNECTIONS),
        ("DELETE", one, none, DELETE_CONNECTIONS),
        ("POST", "/connections", import, CREATE_CONNECTIONS),
    ]
}

/// Every scope in the order above.
fn scopes() -> Vec<&'static str> {
    let mut scopes: Vec<_> =
        endpoints().iter().flat_map(|(.., scopes)| scopes.iter().copied()).collect();
    scopes.dedup();
    scopes
}

/// A key of environment `dev` with these scopes.
async fn key(flow: &Flow, name: &str, scopes: &[&str]) -> String {
    let secret = uuid::Uuid::new_v4().to_string();
    let keys = json!([{ "name": name, "secret": secret, "scopes": scopes }]);
    let environment = json!({ "name": "dev", "secret_keys": keys });
    let document = json!({ "environments": [environment] });
    flow.world.provision(document).await.expect("a good document");
    secret
}

async fn call(flow: &Flow, key: &str, method: &str, path: &str, body: &Value) -> Reply {
    let call = Call::new(method, path).bearer(key);
    flow.world.send(if body.is_null() { call } else { call.json(body) }).await
}

fn refusal(scopes: &[&str]) -> Value {
    let message = match scopes {
        [scope] => format!("Insufficient scope. Required: {scope}"),
        scopes => format!("Insufficient scope. Required one of: {}", scopes.join(" or ")),
    };
    json!({ "error": { "code": "forbidden", "message": message } })
}

// R13
#[tokio::test]
async fn a_scope_opens_its_endpoints_and_no_others() {
    let flow = Flow::start().await;
    for scope in scopes() {
        let key = key(&flow, scope, &[scope]).await;
        for (method, path, body, opened_by) in endpoints() {
            let reply = call(&flow, &key, method, path, &body).await;
            if opened_by.contains(&scope) {
                assert_ne!(reply.status, 403, "{scope} {method} {path}: {reply:?}");
                assert!(reply.status < 500 && reply.status != 401, "{scope} {path}: {reply:?}");
            } else {
                assert_eq!(reply.status, 403, "{scope} {method} {path}: {reply:?}");
                reply.assert(403, &refusal(opened_by));
            }
        }
    }
}

#[tokio::test]
async fn a_wildcard_opens_what_it_covers() {
    let flow = Flow::start().await;
    for (scope, prefix) in [
        ("environment:*", "environment:"),
        ("environment:connections:*", "environment:connections:"),
        ("environment:integrations:*", "environment:integrations:"),
    ] {
        let key = key(&flow, scope, &[scope]).await;
        for (method, path, body, opened_by) in endpoints() {
            let reply = call(&flow, &key, method, path, &body).await;
            let is_open = opened_by.iter().any(|scope| scope.starts_with(prefix));
            assert_eq!(reply.status != 403, is_open, "{scope} {method} {path}: {reply:?}");
        }
    }
}

/// Providers are not secret: every key of an environment may read them.
#[tokio::test]
async fn a_key_without_scopes_reads_providers_and_nothing_else() {
    let flow = Flow::start().await;
    let key = key(&flow, "none", &[]).await;
    for path in ["/providers", "/providers/github", "/providers/fk-apikey"] {
        assert_eq!(call(&flow, &key, "GET", path, &Value::Null).await.status, 200, "{path}");
    }
    for (method, path, body, opened_by) in endpoints() {
        call(&flow, &key, method, path, &body).await.assert(403, &refusal(opened_by));
    }
}

/// The scope is checked before the query, the path and the body.
#[tokio::test]
async fn a_key_that_may_not_is_told_nothing_else() {
    let flow = Flow::start().await;
    let key = key(&flow, "none", &[]).await;
    for (method, path, opened_by) in [
        ("GET", "/integrations?x=1", LIST_INTEGRATIONS),
        ("GET", "/integrations/a!b?x=1", READ_INTEGRATIONS),
        ("GET", "/connections?limit=0", LIST_CONNECTIONS),
        ("GET", "/connections/z*z", READ_CONNECTIONS),
        ("DELETE", "/connections/z*z", DELETE_CONNECTIONS),
    ] {
        call(&flow, &key, method, path, &Value::Null).await.assert(403, &refusal(opened_by));
    }
    let wrong = json!({ "x": 1 });
    for (method, path, opened_by) in [
        ("PATCH", "/connections/z*z", UPDATE_CONNECTIONS),
        ("POST", "/connections/metadata?x=1", UPDATE_CONNECTIONS),
        ("POST", "/connections?x=1", CREATE_CONNECTIONS),
    ] {
        call(&flow, &key, method, path, &wrong).await.assert(403, &refusal(opened_by));
    }
}

/// A session token is not accepted as a secret key.
#[tokio::test]
async fn a_session_token_opens_none_of_them() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for (method, path, body, _) in endpoints() {
        let reply = call(&flow, &token, method, path, &body).await;
        if (method, path) == ("GET", "/integrations") {
            assert_eq!(reply.status, 200, "{reply:?}");
        } else {
            assert_eq!(reply.status, 401, "{method} {path}: {reply:?}");
            assert_eq!(reply.json()["error"]["code"], "invalid_secret_key_format");
        }
    }
}
