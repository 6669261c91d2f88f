//! The answers of two-step providers and Bill.com, and how they are read (sections 4 and 5 of the
//! flow).

use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::token_endpoint::TokenReply;
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
