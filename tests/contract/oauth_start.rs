//! `GET /oauth/connect/…`: every check in its order, and the authorization request.

use serde_json::{Value, json};
use tests::Flow;
use tests::oauth::{start, told};

/// A session with these defaults for the integration `oauth`.
async fn session_with(flow: &Flow, integration: &str, defaults: Value) -> String {
    let body = json!({ "tags": {}, "integrations_config_defaults": { integration: defaults } });
    flow.world.mint(body).await
}

#[tokio::test]
async fn the_order_of_the_parameters_is_that_of_the_contract() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth?authorization_params[login]=me", &token).await;
    assert_eq!(
        started.names(),
        [
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "access_type",
            "prompt",
            "code_challenge",
            "code_challenge_method",
            "login"
        ]
    );
    let redirect_uri = started.parameter("redirect_uri");
    assert_eq!(redirect_uri.as_deref(), Some("http://api.example.test/oauth/callback"));
    assert_eq!(started.parameter("scope").as_deref(), Some("read write"));
}

#[tokio::test]
async fn a_parameter_that_is_given_again_replaces_the_value_and_undefined_removes_it() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let extra = "authorization_params[prompt]=none&authorization_params[access_type]=undefined\
                 &authorization_params[scope]=all";
    let started = flow.start_oauth(&format!("oauth?{extra}"), &token).await;
    assert_eq!(started.parameter("prompt").as_deref(), Some("none"));
    assert_eq!(started.parameter("access_type"), None);
    assert_eq!(started.parameter("scope").as_deref(), Some("all"));
    assert_eq!(started.names()[5], "prompt");
}

#[tokio::test]
async fn what_a_session_adds_replaces_what_the_browser_adds() {
    let flow = Flow::start().await;
    let params = json!({ "authorization_params": { "team": "blue" } });
    let token = session_with(&flow, "oauth", params).await;
    let started = flow.start_oauth("oauth?authorization_params[x]=1", &token).await;
    assert_eq!(started.parameter("team").as_deref(), Some("blue"));
    assert_eq!(started.parameter("x"), None);
}

#[tokio::test]
async fn scopes_of_the_session_replace_those_of_the_integration_and_those_of_the_browser_do_not() {
    let flow = Flow::start().await;
    let config = json!({ "connection_config": { "oauth_scopes_override": "a,b" } });
    let token = session_with(&flow, "oauth", config).await;
    let started = flow.start_oauth("oauth", &token).await;
    assert_eq!(started.parameter("scope").as_deref(), Some("a b"));

    let plain = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth?params[oauth_scopes_override]=c", &plain).await;
    assert_eq!(started.parameter("scope").as_deref(), Some("read write"));
}

#[tokio::test]
async fn user_scopes_go_to_slack_alone() {
    let flow = Flow::start().await;
    for (integration, expected) in [("slack-demo", Some("search:read")), ("oauth", None)] {
        let scopes = json!({ "user_scopes": "search:read" });
        let token = session_with(&flow, integration, scopes).await;
        let started = flow.start_oauth(integration, &token).await;
        assert_eq!(started.parameter("user_scope").as_deref(), expected);
    }
}

// D32
#[tokio::test]
async fn a_client_of_the_session_asks_and_redeems() {
    let flow = Flow::start().await;
    let own = json!({ "connection_config": {
        "oauth_client_id_override": "sess-id", "oauth_client_secret_override": "sess-secret",
    } });
    let token = session_with(&flow, "oauth", own).await;
    let started = flow.start_oauth("oauth", &token).await;
    assert_eq!(started.parameter("client_id").as_deref(), Some("sess-id"));
    flow.world.send(started.callback("code=c")).await;
    let sent = flow.provider.calls().remove(0).parameters();
    assert_eq!(
        (&sent["client_id"], &sent["client_secret"]),
        (&json!("sess-id"), &json!("sess-secret"))
    );
}

#[tokio::test]
async fn the_pages_of_a_start_in_their_order() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let template =
        format!("http://{}/${{connectionConfig.subdomain}}/authorize", flow.provider.address);
    let missing = |what: &str, config: &str| {
        format!(
            "Missing Connection Config param(s) in Auth request to interpolate url {what}. \
             Provided Connection Config: {config}"
        )
    };
    let cases = [
        ("nope", "Could not find a Provider Config matching the \"nope\" key.".to_owned()),
        (
            "oauth-unconfigured",
            "Provider Config \"oauth-unconfigured\" is missing client ID, secret and/or scopes."
                .to_owned(),
        ),
        (
            "key-verify",
            "Provider Config \"key-verify\" is missing client ID, secret and/or scopes.".to_owned(),
        ),
        (
            "key-verify?credentials[oauth_client_id_override]=a\
             &credentials[oauth_client_secret_override]=b",
            "Auth mode API_KEY not supported.".to_owned(),
        ),
        ("oauth-tpl?params[tenant]=t", missing(&template, r#"{"tenant":"t"}"#)),
        (
            "oauth-tpl?params[subdomain]=acme",
            missing("authorization_params", r#"{"subdomain":"acme"}"#),
        ),
    ];
    for (integration, message) in cases {
        let page = flow.start_reply(integration, &token).await;
        assert_eq!((page.status, told(&page)), (400, Some(message)), "{integration}");
        assert_eq!(page.header("set-cookie"), None);
    }
    let outcomes = flow.outcomes(&token).await;
    let errors: Vec<_> =
        outcomes.as_array().expect("a list").iter().map(|outcome| &outcome["error"]).collect();
    assert_eq!(
        errors,
        [
            "provider_config_err",
            "provider_config_err",
            "provider_config_err",
            "auth_mode_err",
            "url_param_err",
            "url_param_err"
        ]
    );
}

#[tokio::test]
async fn an_unconfigured_integration_works_with_a_client_from_the_browser() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let own = "credentials[oauth_client_id_override]=own\
               &credentials[oauth_client_secret_override]=secret";
    let started = flow.start_oauth(&format!("oauth-unconfigured?{own}"), &token).await;
    assert_eq!(started.parameter("client_id").as_deref(), Some("own"));
    // A refresh token alone does not make it configured.
    let alone = "oauth-unconfigured?credentials[oauth_refresh_token_override]=r";
    assert_eq!(flow.start_reply(alone, &token).await.status, 400);
}

#[tokio::test]
async fn refusals_are_json_to_a_client_and_a_page_to_a_person() {
    let mut flow = Flow::start().await;
    let allowed = json!({ "tags": {}, "allowed_integrations": ["unauth"] });
    let token = flow.world.mint(allowed).await;
    let call = start("oauth", &token);
    let reply = flow.world.send(call.clone()).await;
    reply.assert(400, &json!({ "error": { "code": "integration_not_allowed" } }));
    let page = flow.world.send(call.clone().header("sec-fetch-mode", "navigate")).await;
    assert_eq!((page.status, told(&page).as_deref()), (400, Some("integration_not_allowed")));
    assert!(page.body.contains("This integration is not allowed here"));

    let with_id = start("unauth?connection_id=a", &token);
    let reply = flow.world.send(with_id).await;
    assert_eq!(reply.json()["error"]["code"], "invalid_query_params");

    flow.world.delete(&token).await;
    let reply = flow.world.send(call.clone()).await;
    assert_eq!(reply.json()["error"]["code"], "unknown_connect_session_token");
    let page = flow.world.send(call.clone().header("accept", "text/html,*/*")).await;
    assert_eq!(page.status, 401);
    assert!(page.body.contains("This link is no longer valid"), "{page:?}");
    assert!(told(&page).is_some_and(|message| message.contains("does not match any account")));

    flow.world.pass_ms(1);
    let reply = flow.world.send(call.header("content-type", "text/plain")).await;
    assert_eq!(reply.status, 415);
}

/// These two endpoints do not validate the query: every query that names a connection is refused
/// alike, and one that names none is accepted.
#[tokio::test]
async fn a_connection_that_the_browser_names_is_refused_in_any_form() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let client = json!({ "client_id": "c", "client_secret": "s" });
    let refused = json!({ "error": { "code": "invalid_query_params", "errors": [ {
        "code": "custom",
        "message": "connection_id is forbidden when using session token",
        "path": ["connection_id"],
    } ] } });
    for query in ["connection_id=a", "connection_id=**", "connection_id[]=a"] {
        flow.start_reply(&format!("oauth?{query}"), &token).await.assert(400, &refused);
        let path = format!("/oauth2/auth/cc?{query}");
        flow.post(&path, &token, &client).await.assert(400, &refused);
    }
    for query in ["connection_id=", "params=x&connection_id=", "params[]=x"] {
        assert_eq!(
            flow.start_reply(&format!("oauth?{query}"), &token).await.status,
            302,
            "{query}"
        );
        let path = format!("/oauth2/auth/cc?{query}");
        assert_eq!(flow.post(&path, &token, &client).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn a_reconnect_whose_connection_is_gone_does_not_start() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.consent("oauth", &token, "c").await;
    let id = flow.outcomes(&token).await[0]["connection_id"].clone();
    let body = json!({ "connection_id": id, "integration_id": "oauth" });
    let again = flow.world.reconnect(body).await.token();
    let path = tests::flow::connection_path("oauth", id.as_str().expect("an id"));
    assert_eq!(flow.ask("DELETE", &path, None).await.status, 200);
    let reply = flow.start_reply("oauth", &again).await;
    reply.assert(400, &json!({ "error": { "code": "invalid_connection" } }));
}

#[tokio::test]
async fn an_environment_may_have_a_callback_address_of_its_own() {
    let mut flow = Flow::start().await;
    let own = json!({ "callback_url": "https://acme.example/oauth-callback" });
    flow.world.change_environment(own).await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let redirect_uri = started.parameter("redirect_uri");
    assert_eq!(redirect_uri.as_deref(), Some("https://acme.example/oauth-callback"));
    flow.world.send(started.callback("code=c")).await;
    let sent = flow.provider.calls().remove(0).parameters();
    assert_eq!(sent["redirect_uri"], "https://acme.example/oauth-callback");
}
