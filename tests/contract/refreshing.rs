//! Credentials that are renewed when they are read (section 9 of the flow, "Refresh on read").

mod failing;
mod faults;
mod idle;
mod racing;
mod renewing;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::token_endpoint::{TokenEndpoint, TokenReply, TokenRequest};
use tests::{Call, Flow, Reply};

/// A key of the recorded environment that may read connections but not their credentials.
const READ_KEY: &str = "11111111-2222-4333-8444-888888888802";

/// A service, and a provider whose token endpoint a test controls.
struct Renewing {
    flow: Flow,
    endpoint: TokenEndpoint,
}

impl Renewing {
    async fn start(
        answer: impl Fn(usize, &TokenRequest) -> TokenReply + Send + Sync + 'static,
    ) -> Self {
        Self::with_provider(json!({}), answer).await
    }

    /// The same with further fields of the provider, in which `{url}` stands for the endpoint's
    /// URL.
    async fn with_provider(
        more: Value,
        answer: impl Fn(usize, &TokenRequest) -> TokenReply + Send + Sync + 'static,
    ) -> Self {
        let mut flow = Flow::start().await;
        let endpoint = TokenEndpoint::start(answer).await;
        let more = more.to_string().replace("{url}", &endpoint.url);
        let more = serde_json::from_str(&more).expect("JSON");
        flow.add_oauth_provider("renewing", &endpoint.url, &more).await;
        Self { flow, endpoint }
    }

    /// A connection whose token expired a second ago.
    async fn expired(&self) -> String {
        self.connection(-1, "rt-0").await
    }

    /// A connection whose token expires in this many seconds.
    async fn connection(&self, seconds: i64, refresh_token: &str) -> String {
        let credentials = json!({
            "type": "OAUTH2",
            "access_token": "at-0",
            "refresh_token": refresh_token,
            "expires_at": self.moment(seconds),
        });
        import(&self.flow, "renewing", credentials).await
    }

    /// The time in this many seconds, in the format of credentials.
    fn moment(&self, seconds: i64) -> String {
        format!("{:.3}", self.flow.world.now + SignedDuration::from_secs(seconds))
    }

    async fn read(&self, id: &str) -> Reply {
        self.flow.ask("GET", &connection_path("renewing", id), None).await
    }

    async fn force(&self, id: &str) -> Reply {
        let path = connection_path("renewing", id) + "&force_refresh=true";
        self.flow.ask("GET", &path, None).await
    }

    /// The connection as the customer's server reads it, with the refresh token.
    async fn credentials(&self, id: &str) -> Value {
        let path = connection_path("renewing", id) + "&refresh_token=true";
        let reply = self.flow.ask("GET", &path, None).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["credentials"].clone()
    }

    /// The connection's errors, read with a key that may not read its credentials.
    async fn errors(&self, id: &str) -> Value {
        let call = Call::new("GET", &connection_path("renewing", id)).bearer(READ_KEY);
        let reply = self.flow.world.send(call).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let listed = self.flow.connections().await;
        let listed = listed.iter().find(|connection| connection["connection_id"] == *id);
        assert_eq!(listed.expect("it is listed")["errors"], reply.json()["errors"]);
        reply.json()["errors"].clone()
    }

    fn calls(&self) -> usize {
        self.endpoint.requests().len()
    }
}

/// Imports credentials as a connection, and returns its id.
async fn import(flow: &Flow, integration: &str, credentials: Value) -> String {
    let body = json!({ "provider_config_key": integration, "credentials": credentials });
    let reply = flow.ask("POST", "/connections", Some(&body)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["connection_id"].as_str().expect("an id").to_owned()
}

/// The first token is `at-1`, the next `at-2`.
fn numbered(number: usize, _: &TokenRequest) -> TokenReply {
    TokenReply::token(&format!("at-{number}"), json!({}))
}

#[track_caller]
fn assert_token(reply: &Reply, token: &str) {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["credentials"]["access_token"], token);
}
