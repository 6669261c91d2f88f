//! Tokens that a provider issues while their session, integration or connection is being removed
//! cannot be stored, so they are revoked (RFC 7009).

use std::time::Duration;

use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::oauth::told;
use tests::token_endpoint::{TokenReply, TokenRequest};
use tests::{Fault, Flow, Reply, TokenEndpoint};

/// What is removed while the token endpoint works on its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    Session,
    Integration,
    Connection,
}

const INTEGRATION: &str = "revoking";
const TOKEN_TIME: Duration = Duration::from_millis(600);

fn answer(_: usize, request: &TokenRequest) -> TokenReply {
    if request.path == "/revoke" {
        return TokenReply::json(200, &json!({}));
    }
    TokenReply::token("at", json!({ "refresh_token": "rt" })).after(TOKEN_TIME)
}

struct Provided {
    flow: Flow,
    endpoint: TokenEndpoint,
}

impl Provided {
    /// A service, and an integration whose provider has a revocation endpoint. `more` has further
    /// fields of the provider.
    async fn start(more: Value) -> Self {
        let mut flow = Flow::start().await;
        let endpoint = TokenEndpoint::start(answer).await;
        let mut provider = json!({ "revocation_url": "{url}/revoke" });
        provider.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        flow.add_oauth_provider(INTEGRATION, &endpoint.url, &provider).await;
        Self { flow, endpoint }
    }

    /// Removes something as soon as the token endpoint receives a request.
    async fn let_go(&self, going: Going, token: &str, connection_id: &str) {
        while self.endpoint.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        match going {
            Going::Session => assert_eq!(self.flow.world.delete(token).await.status, 204),
            Going::Integration => {
                let absent = json!([{ "unique_key": INTEGRATION, "state": "absent" }]);
                let document =
                    json!({ "environments": [{ "name": "dev", "integrations": absent }] });
                self.flow.world.provision(document).await.expect("a good document");
            }
            Going::Connection => {
                let path = connection_path(INTEGRATION, connection_id);
                assert_eq!(self.flow.ask("DELETE", &path, None).await.status, 200);
            }
        }
    }

    /// Imports a connection, and makes a session that reconnects it. Returns token and id.
    async fn reconnecting(&self, credentials: Value) -> (String, String) {
        let body = json!({ "provider_config_key": INTEGRATION, "credentials": credentials });
        let imported = self.flow.ask("POST", "/connections", Some(&body)).await;
        let id = imported.json()["connection_id"].as_str().expect("an id").to_owned();
        let body = json!({ "connection_id": id, "integration_id": INTEGRATION });
        (self.flow.world.reconnect(body).await.token(), id)
    }

    /// The final page of an OAuth flow that starts with these credentials.
    async fn consent(&self, going: Going, token: &str, query: &str) -> Reply {
        let started = self.flow.start_oauth(&format!("{INTEGRATION}?{query}"), token).await;
        let callback = self.flow.world.send(started.callback("code=c"));
        tokio::join!(callback, self.let_go(going, token, "")).0
    }

    /// The revoked tokens, with their kind and the client.
    fn revoked(&self) -> Vec<[String; 3]> {
        let requests = self.endpoint.requests();
        let revocations = requests.iter().filter(|request| request.path == "/revoke");
        let parts = ["token", "token_type_hint", "client_id"];
        let part = |request: &TokenRequest, name| request.parameter(name).unwrap_or("").to_owned();
        revocations.map(|request| parts.map(|name| part(request, name))).collect()
    }
}

// D56
#[tokio::test]
async fn a_code_that_was_redeemed_for_a_session_that_goes_leaves_no_token() {
    let provided = Provided::start(json!({})).await;
    let token = provided.flow.world.mint(json!({ "tags": {} })).await;
    let page = provided.consent(Going::Session, &token, "").await;
    assert_eq!((page.status, told(&page).as_deref()), (400, Some("The session was deleted.")));
    assert_eq!(provided.flow.connections().await, Vec::<Value>::new());
    assert_eq!(provided.revoked(), [["rt", "refresh_token", "id"]]);
}

/// The revocation uses the client to which the tokens were issued, though it is no longer stored.
// D56
#[tokio::test]
async fn a_code_that_was_redeemed_for_an_integration_that_goes_leaves_no_token() {
    let provided = Provided::start(json!({})).await;
    let token = provided.flow.world.mint(json!({ "tags": {} })).await;
    let page = provided.consent(Going::Integration, &token, "").await;
    assert!(told(&page).is_some_and(|told| told.contains("Cannot read properties of null")));
    assert_eq!(provided.revoked(), [["rt", "refresh_token", "id"]]);
}

/// A refresh token that the customer's server gave to the session was not issued here, so it is not
/// revoked.
// D56
#[tokio::test]
async fn a_refresh_token_of_the_customer_s_own_is_not_revoked() {
    let provided = Provided::start(json!({})).await;
    let token = provided.flow.world.mint(json!({ "tags": {} })).await;
    let own = "credentials[oauth_client_id_override]=own\
               &credentials[oauth_client_secret_override]=own-secret\
               &credentials[oauth_refresh_token_override]=own-rt";
    provided.consent(Going::Session, &token, own).await;
    assert_eq!(provided.revoked(), [["rt", "refresh_token", "own"]]);
}

/// A connection that is deleted while its user consents again is made anew, and keeps its tokens.
#[tokio::test]
async fn tokens_of_a_connection_that_comes_back_are_not_revoked() {
    let provided = Provided::start(json!({})).await;
    let old = json!({ "type": "OAUTH2", "access_token": "old" });
    let (token, id) = provided.reconnecting(old).await;
    let started = provided.flow.start_oauth(INTEGRATION, &token).await;
    let callback = provided.flow.world.send(started.callback("code=c"));
    let page = tokio::join!(callback, provided.let_go(Going::Connection, &token, &id)).0;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(provided.revoked(), [["old", "access_token", "id"]], "what the deletion revokes");
    let credentials = &provided.flow.connection(INTEGRATION, &id).await["credentials"];
    assert_eq!(credentials["access_token"], "at");
}

// D56
#[tokio::test]
async fn a_client_s_own_token_that_is_not_saved_is_revoked() {
    for (going, status, code) in [
        (Going::Session, 401, "unknown_connect_session_token"),
        (Going::Integration, 404, "unknown_provider_config"),
        (Going::Connection, 400, "invalid_connection"),
    ] {
        let provided = Provided::start(json!({ "auth_mode": "OAUTH2_CC" })).await;
        let old = json!({
            "type": "OAUTH2_CC", "token": "old", "client_id": "mine", "client_secret": "secret",
        });
        let (token, id) = match going {
            Going::Connection => provided.reconnecting(old).await,
            _ => (provided.flow.world.mint(json!({ "tags": {} })).await, String::new()),
        };
        let path = format!("/oauth2/auth/{INTEGRATION}");
        let body = json!({ "client_id": "mine", "client_secret": "secret" });
        let connecting = provided.flow.post(&path, &token, &body);
        let reply = tokio::join!(connecting, provided.let_go(going, &token, &id)).0;
        assert_eq!(reply.status, status, "{going:?} {reply:?}");
        assert_eq!(reply.json()["error"]["code"], code);
        let revoked = provided.revoked();
        let issued = ["at", "access_token", "mine"];
        match going {
            Going::Connection => assert_eq!(revoked, [["old", "access_token", "mine"], issued]),
            _ => assert_eq!(revoked, [issued]),
        }
    }
}

// D56
#[tokio::test]
async fn a_token_that_kms_does_not_seal_is_revoked() {
    let mut provided = Provided::start(json!({ "auth_mode": "OAUTH2_CC" })).await;
    let token = provided.flow.world.mint(json!({ "tags": {} })).await;
    provided.flow.world.restart();
    provided.flow.world.kms_wire.fail([Fault::Refused; 3]);
    let body = json!({ "client_id": "mine", "client_secret": "secret" });
    let reply = provided.flow.post(&format!("/oauth2/auth/{INTEGRATION}"), &token, &body).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(provided.revoked(), [["at", "access_token", "mine"]]);
    assert_eq!(provided.flow.connections().await, Vec::<Value>::new());
}

/// The result of the revocation does not change the answer.
#[tokio::test]
async fn a_provider_that_does_not_revoke_changes_no_answer() {
    let provided = Provided::start(json!({})).await;
    provided.endpoint.answer_with(|number, request| {
        if request.path == "/revoke" {
            return TokenReply::json(200, &json!({})).after(Duration::from_secs(30));
        }
        answer(number, request)
    });
    let token = provided.flow.world.mint(json!({ "tags": {} })).await;
    let page = provided.consent(Going::Session, &token, "").await;
    assert_eq!((page.status, told(&page).as_deref()), (400, Some("The session was deleted.")));
    assert_eq!(provided.revoked().len(), 1, "sent once");
}
