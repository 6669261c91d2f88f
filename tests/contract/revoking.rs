//! A connection that is deleted has its tokens revoked at the provider (RFC 7009).

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::token_endpoint::TokenReply;
use tests::{Flow, TokenEndpoint};

/// A service, a provider with a revocation endpoint that answers `reply`, and a connection.
async fn start(
    reply: TokenReply,
    basic: bool,
    credentials: Value,
) -> (Flow, TokenEndpoint, String) {
    let mut flow = Flow::start().await;
    let endpoint = TokenEndpoint::start(move |_, _| reply.clone()).await;
    let provider = json!({
        "token_request_auth_method": if basic { "basic" } else { "body" },
        "revocation_url": format!("{}/${{connectionConfig.site}}/revoke", endpoint.url),
    });
    flow.add_oauth_provider("revoking", &endpoint.url, &provider).await;
    let body = json!({
        "provider_config_key": "revoking",
        "connection_config": { "site": "a" },
        "credentials": credentials,
    });
    let imported = flow.ask("POST", "/connections", Some(&body)).await;
    assert_eq!(imported.status, 201, "{imported:?}");
    let id = imported.json()["connection_id"].as_str().expect("an id").to_owned();
    (flow, endpoint, id)
}

fn both() -> Value {
    json!({ "type": "OAUTH2", "access_token": "at", "refresh_token": "rt" })
}

async fn delete(flow: &Flow, id: &str) {
    let path = connection_path("revoking", id);
    let reply = flow.ask("DELETE", &path, None).await;
    reply.assert(200, &json!({ "success": true }));
    assert_eq!(flow.ask("GET", &path, None).await.status, 404);
}

// D56
#[tokio::test]
async fn the_refresh_token_is_revoked_else_the_access_token() {
    let own = json!({
        "type": "OAUTH2", "access_token": "at", "refresh_token": "rt",
        "config_override": { "client_id": "own", "client_secret": "own secret" },
    });
    let access = json!({ "type": "OAUTH2", "access_token": "at" });
    for (basic, credentials, body, header) in [
        (
            false,
            both(),
            vec![
                ("token", "rt"),
                ("token_type_hint", "refresh_token"),
                ("client_id", "id"),
                ("client_secret", "secret"),
            ],
            None,
        ),
        (
            true,
            access,
            vec![("token", "at"), ("token_type_hint", "access_token")],
            Some("Basic aWQ6c2VjcmV0"),
        ),
        (
            false,
            own,
            vec![
                ("token", "rt"),
                ("token_type_hint", "refresh_token"),
                ("client_id", "own"),
                ("client_secret", "own secret"),
            ],
            None,
        ),
    ] {
        let reply = TokenReply::json(200, &json!({}));
        let (flow, endpoint, id) = start(reply, basic, credentials).await;
        delete(&flow, &id).await;
        let requests = endpoint.requests();
        let [request] = requests.as_slice() else { panic!("one call, not {requests:?}") };
        assert_eq!(request.path, "/a/revoke");
        let sent: Vec<_> = request.form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(sent, body);
        assert_eq!(request.authorization.as_deref(), header);
    }
}

#[tokio::test]
async fn a_provider_that_fails_or_sleeps_fails_no_deletion() {
    for status in [400, 401, 404, 500, 503] {
        let reply = TokenReply::json(status, &json!({ "error": "unsupported_token_type" }));
        let (flow, endpoint, id) = start(reply, false, both()).await;
        delete(&flow, &id).await;
        assert_eq!(endpoint.requests().len(), 1, "sent once, whatever comes back");
    }
    let reply = TokenReply::json(200, &json!({})).after(Duration::from_secs(30));
    let (flow, endpoint, id) = start(reply, false, both()).await;
    let started = Instant::now();
    delete(&flow, &id).await;
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    assert_eq!(endpoint.requests().len(), 1);
}

/// The revocation comes after our own deletion, which is what counts.
#[tokio::test]
async fn what_was_not_deleted_is_not_revoked() {
    let (flow, endpoint, id) = start(TokenReply::json(200, &json!({})), false, both()).await;
    let path = connection_path("revoking", "nope");
    assert_eq!(flow.ask("DELETE", &path, None).await.status, 400);
    flow.world.wire.fail_after("TransactWriteItems", 0, [tests::Fault::Refused]);
    assert_eq!(flow.ask("DELETE", &connection_path("revoking", &id), None).await.status, 500);
    assert_eq!(endpoint.requests().len(), 0);
    // Without KMS there is no revocation, but the deletion succeeds.
    flow.world.kms_wire.fail([tests::Fault::Failed; 9]);
    let cold = flow.world.cold();
    let call = tests::Call::new("DELETE", &connection_path("revoking", &id));
    let reply = call.bearer(&flow.world.secret_key).send_to(cold, flow.world.now).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(endpoint.requests().len(), 0);
}

#[tokio::test]
async fn a_provider_without_an_endpoint_is_not_asked() {
    let flow = Flow::start().await;
    let body = json!({ "provider_config_key": "oauth", "credentials": both() });
    let imported = flow.ask("POST", "/connections", Some(&body)).await.json();
    let id = imported["connection_id"].as_str().expect("an id");
    let reply = flow.ask("DELETE", &connection_path("oauth", id), None).await;
    assert_eq!(reply.status, 200);
    assert_eq!(flow.provider.calls().len(), 0);
}
