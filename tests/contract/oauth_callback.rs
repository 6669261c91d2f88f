//! `GET /oauth/callback`: the code becomes a connection, or a page says why not.

use serde_json::{Value, json};
use tests::oauth::told;
use tests::{Call, Fault, Flow};

/// The id of the connection that a session's newest flow has made.
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

#[tokio::test]
async fn a_client_authenticates_in_the_header_or_in_the_body_and_never_in_both() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.consent("oauth-nopkce", &token, "c").await;
    let request = flow.provider.calls().remove(0);
    assert_eq!(request.credential(), "fake-client-id:fake-client-secret");
    let sent = request.parameters();
    assert_eq!((sent.get("client_id"), sent.get("client_secret")), (None, None));
    assert_eq!(sent.get("code_verifier"), None);
}

// D63
#[tokio::test]
async fn a_provider_is_told_who_calls() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.consent("oauth-nopkce", &token, "c").await;
    let request = flow.provider.calls().remove(0);
    let agent = request.header("user-agent").expect("a name");
    assert!(agent.starts_with("connect-sessions/"), "{agent}");
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
    let large = format!("Client request error: {host} answered with more bytes than are read");
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
        // Sent once, whatever came of it.
        assert_eq!(flow.provider.calls().len(), 1, "{code}");
    }
    assert_eq!(flow.connections().await.len(), 0);
    let outcomes = flow.outcomes(&token).await;
    assert!(outcomes.as_array().expect("a list").iter().all(|o| o["error"] == "unknown_err"));
}

#[tokio::test]
async fn a_user_who_refuses_is_told_so_in_words() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let query = "error=access_denied&error_description=No%20%3Cb%3Ethanks";
    let page = flow.world.send(started.callback(query)).await;
    let said = r#"{"error":"access_denied","error_description":"No <b>thanks"}"#;
    assert_eq!((page.status, told(&page).as_deref()), (400, Some(said)));
    assert!(page.body.contains("Access was not granted"));
    assert!(!page.body.contains("<b>"), "{page:?}");
    assert_eq!(flow.outcomes(&token).await[0]["error"], "callback_err");
    assert_eq!(flow.provider.calls().len(), 0);
}

// D25
#[tokio::test]
async fn an_error_beside_a_code_wins() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let page = flow.world.send(started.callback("code=c&error=server_error")).await;
    assert_eq!((page.status, told(&page).as_deref()), (400, Some(r#"{"error":"server_error"}"#)));
    let started = flow.start_oauth("oauth", &token).await;
    let page = flow.world.send(started.callback("code=c&error=a&error=b")).await;
    assert_eq!(page.status, 400);
    assert_eq!((flow.provider.calls().len(), flow.connections().await.len()), (0, 0));
}

#[tokio::test]
async fn a_callback_without_a_code_says_so() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let page = flow.world.send(started.callback("code=")).await;
    let text = "Did not get authorization code in the callback.";
    assert_eq!((page.status, told(&page).as_deref()), (400, Some(text)));
}

#[tokio::test]
async fn callbacks_without_a_flow() {
    let flow = Flow::start().await;
    let unknown = "A".repeat(43);
    let session = format!("No session found for state: \"{unknown}\"");
    for (query, expected) in [
        ("", "No state found in callback"),
        ("state=", "No state found in callback"),
        ("code=c", "No state found in callback"),
        ("state=nonsense", "invalid_oauth_state"),
        ("state=a&state=b", "invalid_oauth_state"),
        (&format!("state={unknown}&code=c"), &session),
        (&format!("payload={unknown}"), &session),
        (&format!("customField={unknown}"), &session),
    ] {
        let call = Call::new("GET", &format!("/oauth/callback?{query}"));
        let page = flow.world.send(call).await;
        assert_eq!((page.status, told(&page).as_deref()), (400, Some(expected)), "{query}");
    }
}

#[tokio::test]
async fn the_state_may_stand_in_another_parameter() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for name in ["payload", "customField"] {
        let started = flow.start_oauth("oauth", &token).await;
        let path = format!("/oauth/callback?{name}={}&code=c", started.state());
        let call = Call::new("GET", &path).header("cookie", &started.cookie);
        assert_eq!(flow.world.send(call).await.status, 200, "{name}");
    }
}

// D23
#[tokio::test]
async fn a_session_that_was_deleted_takes_its_flows_with_it() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    assert_eq!(flow.world.delete(&token).await.status, 204);
    for _ in 0..2 {
        let page = flow.world.send(started.callback("code=c")).await;
        assert_eq!((page.status, told(&page).as_deref()), (400, Some("The session was deleted.")));
        assert!(page.body.contains("This session has ended"));
    }
    assert_eq!((flow.provider.calls().len(), flow.connections().await.len()), (0, 0));
}

// D23
#[tokio::test]
async fn a_session_that_expired_does_not() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": { "team": "blue" } })).await;
    flow.world.pass_ms(30 * 60 * 1_000 - 1);
    let started = flow.start_oauth("oauth", &token).await;
    flow.world.pass_ms(59 * 60 * 1_000);
    flow.world.sweep();
    assert_eq!(flow.world.get(&token).await.status, 401);
    let page = flow.world.send(started.callback("code=c")).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(flow.connections().await[0]["tags"], json!({ "team": "blue" }));
    // Whoever has waited may still ask, for an hour after the end.
    assert_eq!(flow.outcomes(&token).await[0]["provider_config_key"], "oauth");
    flow.world.pass_ms(60_001);
    let call = Call::new("GET", "/connect/session/outcomes").bearer(&token);
    assert_eq!(flow.world.send(call).await.status, 401);
}

#[tokio::test]
async fn a_flow_lasts_an_hour() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    flow.world.pass_ms(60 * 60 * 1_000);
    let page = flow.world.send(started.callback("code=c")).await;
    assert!(told(&page).is_some_and(|told| told.starts_with("No session found for state")));
    assert_eq!(flow.provider.calls().len(), 0);
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

    // Deleted while the user is at the provider: it comes back under its id.
    let started = flow.start_oauth("oauth", &again).await;
    let path = tests::flow::connection_path("oauth", &id);
    assert_eq!(flow.ask("DELETE", &path, None).await.status, 200);
    assert_eq!(flow.world.send(started.callback("code=three")).await.status, 200);
    assert_eq!(read(&flow, "oauth", &id).await["credentials"]["access_token"], "at-three");
}

#[tokio::test]
async fn an_integration_that_was_removed_ends_the_flow() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let absent = json!({ "integrations": [{ "unique_key": "oauth", "state": "absent" }] });
    flow.world.change_environment(absent).await;
    let page = flow.world.send(started.callback("code=c")).await;
    assert_eq!(page.status, 400);
    assert!(told(&page).is_some_and(|told| told.contains("Cannot read properties of null")));
}

#[tokio::test]
async fn providers_that_answer_with_a_form_are_sent_on_to_get() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    // A browser sends no cookie with this one.
    let post = Call::new("POST", "/oauth/callback")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("state={}&code=c%2F1", started.state()));
    let reply = flow.world.send(post).await;
    assert_eq!(reply.status, 303);
    let location = reply.header("location").expect("a location");
    let path = location.strip_prefix("http://api.example.test").expect("this API");
    let page = flow.world.send(Call::new("GET", path).header("cookie", &started.cookie)).await;
    assert_eq!(page.status, 200);
    assert_eq!(flow.provider.calls().remove(0).parameters()["code"], "c/1");
}

#[tokio::test]
async fn a_browser_that_looks_ahead_uses_nothing_up() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let ahead = started.callback("code=c").header("sec-purpose", "prefetch;prerender");
    let reply = flow.world.send(ahead).await;
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    assert_eq!(flow.provider.calls().len(), 0);
    assert_eq!(flow.world.send(started.callback("code=c")).await.status, 200);
}

#[tokio::test]
async fn two_popups_do_not_disturb_each_other() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let (one, two) =
        (flow.start_oauth("oauth", &token).await, flow.start_oauth("oauth", &token).await);
    let both = format!("{}; {}", one.cookie, two.cookie);
    for started in [&two, &one] {
        let call = started.foreign_callback("code=c").header("cookie", &both);
        assert_eq!(flow.world.send(call).await.status, 200);
    }
    assert_eq!(flow.connections().await.len(), 2);
}

#[tokio::test]
async fn a_store_that_fails_answers_a_page_that_says_so() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    flow.world.wire.fail([Fault::Failed; 20]);
    let page = flow.world.send(started.callback("code=c")).await;
    flow.world.wire.fail([]);
    assert_eq!(page.status, 503);
    assert!(page.body.contains("Something went wrong on our side"));
    assert_eq!(page.header("retry-after"), Some("1"));
    assert_eq!(flow.provider.calls().len(), 0);
}

// D46
#[tokio::test]
async fn a_session_remembers_its_last_twenty_outcomes() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for number in 0..22 {
        let reply = flow.start_reply(&format!("nope-{number}"), &token).await;
        assert_eq!(reply.status, 400);
    }
    let id = flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    let outcomes = flow.outcomes(&token).await;
    let outcomes = outcomes.as_array().expect("a list");
    assert_eq!(outcomes.len(), 20);
    assert_eq!(outcomes[0]["provider_config_key"], "nope-3");
    let at = "2026-11-22T12:38:27.690Z";
    let failed = json!({
        "provider_config_key": "nope-21", "error": "provider_config_err", "at": at,
    });
    assert_eq!(outcomes[18], failed);
    let connected = json!({ "provider_config_key": "unauth", "connection_id": id, "at": at });
    assert_eq!(outcomes[19], connected);
}
