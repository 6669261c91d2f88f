//! The code of a callback is exchanged for tokens, and these become a connection.

use serde_json::{Value, json};
use tests::Flow;
use tests::oauth::told;

/// The id of the connection that a session's latest flow made.
async fn newest(flow: &Flow, token: &str) -> String {
    let outcomes = flow.outcomes(token).await;
    let newest = outcomes.as_array().and_then(|list| list.last()).expect("an outcome");
    newest["connection_id"].as_str().unwrap_or_else(|| panic!("{newest}")).to_owned()
}

async fn read(flow: &Flow, integration: &str, id: &str) -> Value {
    let path = format!("{}&refresh_token=true", tests::flow::connection_path(integration, id));
    let reply = flow.ask("GET", &path, None).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[tokio::test]
async fn a_code_becomes_a_connection_with_everything_that_the_session_says() {
    let flow = Flow::start().await;
    let token = flow
        .world
        .mint(json!({
            "tags": { "team": "blue" },
            "end_user": { "id": "eu-1" },
            "webhook_url_override": "https://hooks.example.com/a",
            "integrations_config_defaults": { "oauth": {
                "user_scopes": "u", "connection_config": { "oauth_scopes_override": "a,b", "n": 1 },
            } },
        }))
        .await;
    let started = flow.start_oauth("oauth?params[extra]=e&params[realm]=", &token).await;
    let page = flow.world.send(started.callback("code=c1&realm=r1")).await;
    assert_eq!((page.status, told(&page)), (200, None), "{page:?}");

    let request = flow.provider.calls().remove(0);
    let names: Vec<_> = url::form_urlencoded::parse(request.body.as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "grant_type",
            "code",
            "redirect_uri",
            "extra_token_param",
            "code_verifier",
            "client_id",
            "client_secret"
        ]
    );
    assert_eq!(request.header("accept"), Some("application/json"));

    let connection = read(&flow, "oauth", &newest(&flow, &token).await).await;
    assert_eq!(connection["tags"], json!({ "team": "blue", "end_user_id": "eu-1" }));
    assert_eq!(connection["end_user"]["id"], "eu-1");
    assert_eq!(connection["webhook_url_override"], "https://hooks.example.com/a");
    assert_eq!(connection["metadata"], Value::Null);
    assert_eq!(
        connection["connection_config"],
        json!({
            "team.id": "T1", "instance_url": "https://acme.example.com", "realm": "r1",
            "extra": "e", "oauth_scopes_override": ["a", "b"], "n": 1, "user_scope": "u",
        })
    );
    let credentials = &connection["credentials"];
    assert_eq!(credentials["type"], "OAUTH2");
    assert_eq!(credentials["access_token"], "at-c1");
    assert_eq!(credentials["refresh_token"], "rt-c1");
    assert_eq!(credentials["expires_at"], "2026-11-22T13:38:27.690Z");
    assert_eq!(credentials["raw"]["extra_field"], "kept?");
    assert_eq!(credentials["raw"]["expires_at"], "2026-11-22T13:38:27.690Z");
}

#[tokio::test]
async fn clients_and_refresh_tokens_of_the_browser_are_kept_with_the_credentials() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let own = "credentials[oauth_client_id_override]=own-id\
               &credentials[oauth_client_secret_override]=own-secret\
               &credentials[oauth_refresh_token_override]=own-rt";
    flow.consent(&format!("oauth?{own}"), &token, "c").await;
    let sent = flow.provider.calls().remove(0).parameters();
    assert_eq!(
        (&sent["client_id"], &sent["client_secret"]),
        (&json!("own-id"), &json!("own-secret"))
    );
    let connection = read(&flow, "oauth", &newest(&flow, &token).await).await;
    assert_eq!(
        connection["credentials"]["config_override"],
        json!({ "client_id": "own-id", "client_secret": "own-secret" })
    );
    assert_eq!(connection["credentials"]["refresh_token"], "own-rt");
    assert_eq!(connection["connection_config"]["overrideTokenRefresh"], true);
    assert!(!connection["connection_config"].to_string().contains("own-"));
}

// D42
#[tokio::test]
async fn a_form_is_an_answer_too() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    assert_eq!(flow.consent("oauth", &token, "form").await.status, 200);
    let connection = read(&flow, "oauth", &newest(&flow, &token).await).await;
    assert_eq!(connection["credentials"]["access_token"], "at-form");
    assert_eq!(connection["credentials"].get("expires_at"), None);
}

// D63
#[tokio::test]
async fn a_token_request_says_who_calls_and_has_its_client_in_the_header_or_in_the_body() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.consent("oauth-nopkce", &token, "c").await;
    let request = flow.provider.calls().remove(0);
    let agent = request.header("user-agent").expect("a name");
    assert!(agent.starts_with("connect-sessions/"), "{agent}");
    assert_eq!(request.credential(), "fake-client-id:fake-client-secret");
    let sent = request.parameters();
    assert_eq!((sent.get("client_id"), sent.get("client_secret")), (None, None));
    assert_eq!(sent.get("code_verifier"), None);
}

#[tokio::test]
async fn token_endpoints_that_fail() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let unknown = |error: &Value| format!("Unknown error during the Oauth flow. {error:#}");
    let message = |text: &str| unknown(&json!({ "name": "Error", "message": text }));
    let refused = |text: &str, payload: Value| {
        unknown(&json!({ "name": "Error", "message": text, "provider_error_payload": payload }))
    };
    let grant = json!({ "error": "invalid_grant", "error_description": "bad code" });
    let client = json!({ "error": "invalid_client", "error_description": "bad client" });
    let unreadable = "The content-type is not JSON compatible";
    let host = flow.provider.address.ip();
    let large = format!("Client request error: the answer of {host} is too long");
    for (code, expected) in [
        ("err400", refused("Response Error: 400 Bad Request", grant)),
        ("err401", refused("Response Error: 401 Unauthorized", client)),
        ("err500", message(unreadable)),
        ("badjson", message(unreadable)),
        ("circle", message(unreadable)),
        ("drop", message("Client request error: socket hang up")),
        ("huge", message(&large)),
        ("noaccess", "Unknown error during the Oauth flow.".to_owned()),
        ("ok200err", "Unknown error during the Oauth flow.".to_owned()),
    ] {
        let page = flow.consent("oauth", &token, code).await;
        assert_eq!((page.status, told(&page)), (400, Some(expected)), "{code}");
        // The code is sent once, whatever the answer.
        assert_eq!(flow.provider.calls().len(), 1, "{code}");
    }
    assert_eq!(flow.connections().await.len(), 0);
    let outcomes = flow.outcomes(&token).await;
    assert!(outcomes.as_array().expect("a list").iter().all(|o| o["error"] == "unknown_err"));
}

// R12
#[tokio::test]
async fn a_reconnect_replaces_the_credentials_in_place() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": { "team": "blue" } })).await;
    flow.consent("oauth", &token, "one").await;
    let id = newest(&flow, &token).await;
    let before = read(&flow, "oauth", &id).await;
    flow.world.pass_ms(1_000);
    let body = json!({ "connection_id": id, "integration_id": "oauth" });
    let again = flow.world.reconnect(body).await.token();
    assert_eq!(flow.consent("oauth", &again, "norefresh-two").await.status, 200);
    assert_eq!(newest(&flow, &again).await, id);
    let after = read(&flow, "oauth", &id).await;
    for same in ["id", "connection_id", "created_at", "updated_at", "tags"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!(after["credentials"]["access_token"], "at-norefresh-two");
    assert_eq!(after["credentials"].get("refresh_token"), None);

    // If it is deleted while the user is at the provider, it is made again under its id.
    let started = flow.start_oauth("oauth", &again).await;
    let path = tests::flow::connection_path("oauth", &id);
    assert_eq!(flow.ask("DELETE", &path, None).await.status, 200);
    assert_eq!(flow.world.send(started.callback("code=three")).await.status, 200);
    assert_eq!(read(&flow, "oauth", &id).await["credentials"]["access_token"], "at-three");
}
