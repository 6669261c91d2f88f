//! The answers of two-step providers and Bill.com, and how they are read (sections 4 and 5 of the
//! flow).

use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::token_endpoint::{TokenReply, TokenRequest};
use tests::{Flow, Reply, TokenEndpoint};

/// A service, and a provider whose token endpoint always gives the same answer.
struct Provided {
    flow: Flow,
    endpoint: TokenEndpoint,
    session: String,
}

impl Provided {
    async fn start(strategy: &str) -> Self {
        let mut flow = Flow::start().await;
        let endpoint = TokenEndpoint::start(|_, _| TokenReply::json(500, &json!({}))).await;
        let url = format!("{}/token", endpoint.url);
        let provider = |name: &str, more: &Value| {
            let mut provider = json!({
                "name": name,
                "display_name": name,
                "categories": ["other"],
                "docs": "https://example.com/docs",
                "token_url": url,
            });
            let more = more.as_object().expect("an object").clone();
            provider.as_object_mut().expect("an object").extend(more);
            provider
        };
        let steps = json!({
            "auth_mode": "TWO_STEP",
            "token_params": { "user": "${credentials.username}" },
            "token_response": {
                "token": "data.jwt",
                "token_expiration": "data.until",
                "token_expiration_strategy": strategy,
            },
        });
        let change = json!({
            "providers": [
                provider("steps", &steps),
                provider("bills", &json!({ "auth_mode": "BILL" })),
            ],
            "integrations": [
                { "unique_key": "steps", "provider": "steps" },
                { "unique_key": "bills", "provider": "bills" },
            ],
        });
        flow.world.change_environment(change).await;
        let session = flow.world.mint(json!({ "tags": {} })).await;
        Self { flow, endpoint, session }
    }

    fn answer(&self, body: &Value) {
        let reply = TokenReply::json(200, body);
        self.endpoint.answer_with(move |_, _| reply.clone());
    }

    async fn two_step(&self) -> Reply {
        let user = json!({ "username": "ada", "password": "p" });
        self.flow.post("/auth/two-step/steps", &self.session, &user).await
    }

    async fn bill(&self) -> Reply {
        let user = json!({
            "username": "ada", "password": "p", "organization_id": "o", "dev_key": "d",
        });
        self.flow.post("/auth/bill/bills", &self.session, &user).await
    }

    /// The stored `expires_at` of a token whose answer gives its end as `until`.
    async fn expires_at(&self, until: &Value) -> Option<Value> {
        self.answer(&json!({ "data": { "jwt": "t", "until": until } }));
        let reply = self.two_step().await;
        assert_eq!(reply.status, 200, "{until}: {reply:?}");
        let id = reply.json()["connectionId"].as_str().expect("an id").to_owned();
        let path = connection_path("steps", &id);
        let credentials = self.flow.ask("GET", &path, None).await.json()["credentials"].clone();
        assert_eq!(credentials["token"], "t");
        credentials.get("expires_at").cloned()
    }
}

#[tokio::test]
async fn the_end_of_a_two_step_token_may_be_a_moment_of_any_form() {
    let provided = Provided::start("expireAt").await;
    let end = Some(json!("2026-11-23T12:00:00.000Z"));
    for (until, expected) in [
        (json!("2026-11-23T12:00:00Z"), &end),
        (json!("2026-11-23T14:00:00.000+02:00"), &end),
        (json!(1_795_435_200), &end),
        (json!(1_795_435_200_000_i64), &end),
        (json!("1795435200"), &end),
        (json!(" 1795435200000 "), &end),
        // A value that is no time is ignored, and the token is stored.
        (json!("soon"), &None),
        (json!(-1), &None),
        (json!(null), &None),
        (json!({ "at": 1_795_435_200 }), &None),
    ] {
        assert_eq!(&provided.expires_at(&until).await, expected, "{until}");
    }
}

#[tokio::test]
async fn the_end_of_a_two_step_token_may_be_a_lifetime() {
    let provided = Provided::start("expireIn").await;
    let in_an_hour = provided.flow.world.now + jiff::SignedDuration::from_hours(1);
    let hour = Some(json!(format!("{in_an_hour:.3}")));
    for (until, expected) in [
        (json!(3_600), &hour),
        (json!("3600"), &hour),
        (json!(-1), &None),
        (json!("2026-11-23T12:00:00Z"), &None),
        (json!(null), &None),
    ] {
        assert_eq!(&provided.expires_at(&until).await, expected, "{until}");
    }
}

impl Provided {
    /// What the provider is asked for a token, where its file has this, and what is stored then.
    async fn asked(&mut self, more: Value) -> (TokenRequest, Value) {
        let url = format!("{}/token", self.endpoint.url);
        let mut provider = json!({
            "name": "asked",
            "display_name": "Asked",
            "categories": ["other"],
            "docs": "https://example.com/docs",
            "auth_mode": "TWO_STEP",
            "token_url": url,
            "token_response": { "token": "data.jwt" },
        });
        let more = more.as_object().expect("an object").clone();
        provider.as_object_mut().expect("an object").extend(more);
        let integration = json!({ "unique_key": "asked", "provider": "asked" });
        let change = json!({ "providers": [provider], "integrations": [integration] });
        self.flow.world.change_environment(change).await;
        self.flow.world.restart();
        self.answer(&json!({ "data": { "jwt": "t" } }));
        let user = json!({ "username": "ada", "password": "p" });
        let id = self.flow.connected("/auth/two-step/asked", &self.session, &user).await;
        let request = self.endpoint.requests().pop().expect("a request");
        (request, self.flow.connection("asked", &id).await["credentials"].clone())
    }
}

/// The values of a two-step body keep their types, at any depth; optional ones are left out.
#[tokio::test]
async fn the_body_of_a_two_step_request_is_that_of_the_providers_file() {
    let mut provided = Provided::start("expireIn").await;
    let parameters = json!({
        "login": {
            "name": "${credentials.username}",
            "secret": "${credentials.password}",
            "site": { "path": "${connectionConfig.site}" },
        },
        "days": 30,
        "keep": true,
        "site": "${connectionConfig.site}",
    });
    let site = json!({ "site": {
        "type": "string", "title": "Site", "description": "Yours", "optional": true,
    } });
    let file = json!({ "token_params": parameters, "connection_config": site });
    let login = json!({ "name": "ada", "secret": "p", "site": {} });

    let (request, _) = provided.asked(file.clone()).await;
    assert_eq!(request.media_type, "application/json");
    let sent: Value = serde_json::from_str(&request.body).expect("JSON");
    assert_eq!(sent, json!({ "login": login, "days": 30, "keep": true }));

    let mut file = file;
    file["body_format"] = json!("form");
    let (request, _) = provided.asked(file).await;
    assert_eq!(request.media_type, "application/x-www-form-urlencoded");
    let parameter = |name| request.parameter(name);
    assert_eq!((parameter("days"), parameter("keep")), (Some("30"), Some("true")));
    assert_eq!(parameter("login"), Some(login.to_string().as_str()));
    assert_eq!(parameter("site"), None);
}

#[tokio::test]
async fn a_two_step_token_whose_life_only_the_providers_file_tells_ends_after_it() {
    let mut provided = Provided::start("expireIn").await;
    let parameters = json!({ "user": "${credentials.username}" });
    let file = json!({ "token_params": parameters, "token_expires_in_ms": 7_200_000 });
    let (_, credentials) = provided.asked(file).await;
    let end = provided.flow.world.now + jiff::SignedDuration::from_hours(2);
    assert_eq!(credentials["expires_at"], json!(format!("{end:.3}")));
}

/// The provider has just taken the credentials, for a token. The contract tries those of other
/// modes.
#[tokio::test]
async fn a_two_step_token_is_not_tried() {
    let mut provided = Provided::start("expireIn").await;
    let url = provided.endpoint.url.clone();
    let file = json!({
        "token_params": { "user": "${credentials.username}" },
        "proxy": { "base_url": url, "verification": { "method": "GET", "endpoints": ["/me"] } },
    });
    let (request, _) = provided.asked(file).await;
    assert_eq!(request.path, "/token");
}

/// In a form, numbers and booleans of a provider's file are sent as their text.
#[tokio::test]
async fn parameters_of_a_token_request_may_be_numbers_and_booleans() {
    let Provided { mut flow, endpoint, session } = Provided::start("expireIn").await;
    let parameters = json!({ "version": 2, "keep": true });
    for (name, mode) in [("client", "OAUTH2_CC"), ("consent", "OAUTH2")] {
        let file = json!({ "auth_mode": mode, "token_params": parameters });
        flow.add_oauth_provider(name, &endpoint.url, &file).await;
    }
    endpoint.answer_with(|_, _| TokenReply::token("at", json!({})));
    let client = json!({ "client_id": "a", "client_secret": "b" });
    flow.connected("/oauth2/auth/client", &session, &client).await;
    let started = flow.start_oauth("consent", &session).await;
    assert_eq!(flow.world.send(started.callback("code=c")).await.status, 200);
    let credentials = json!({
        "type": "OAUTH2", "access_token": "old", "refresh_token": "rt",
        "expires_at": "2026-01-01T00:00:00Z",
    });
    let body = json!({
        "provider_config_key": "consent", "connection_id": "mine", "credentials": credentials,
    });
    assert_eq!(flow.ask("POST", "/connections", Some(&body)).await.status, 201);
    flow.connection("consent", "mine").await;
    let requests = endpoint.requests();
    assert_eq!(requests.len(), 3, "client credentials, a code, a refresh token");
    for request in requests {
        let sent = (request.parameter("version"), request.parameter("keep"));
        assert_eq!(sent, (Some("2"), Some("true")), "{}", request.body);
    }
}

/// An answer without a token, in whatever form, is an error that says so, and makes no connection.
#[tokio::test]
async fn an_empty_token_is_none() {
    let provided = Provided::start("expireIn").await;
    for token in [json!(""), json!(null), json!(7), json!({}), json!([])] {
        provided.answer(&json!({ "data": { "jwt": token } }));
        let reply = provided.two_step().await;
        let error = reply.json()["error"].clone();
        let code = (reply.status, &error["code"]);
        assert_eq!(code, (400, &json!("two_step_credentials_fetch_error")), "{token}: {reply:?}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("incomplete_raw_credentials"), "{message}");

        provided.answer(&json!({ "sessionId": token, "userId": "u" }));
        let reply = provided.bill().await;
        let code = (reply.status, reply.json()["error"]["code"].clone());
        assert_eq!(code, (400, json!("connection_test_failed")), "{token}: {reply:?}");
    }
    assert_eq!(provided.flow.connections().await, Vec::<Value>::new());
    assert_eq!(provided.endpoint.requests().len(), 10, "each is asked once");
}
