//! The world that the recorded flow cases assume: three environments, integrations of every auth
//! mode, and their provider.

use serde_json::{Map, Value, json};

use crate::call::{Call, Reply};
use crate::provider::Provider;
use crate::receiver::Receiver;
use crate::world::World;

/// The service, and the provider that it calls.
pub struct Flow {
    /// The service. Its secret key is one of environment `dev` with every scope.
    pub world: World,
    /// The provider, and the receiver of webhooks.
    pub provider: Provider,
}

impl Flow {
    /// A world with a provider of its own.
    pub async fn start() -> Self {
        Self::with(Provider::start().await).await
    }

    /// A world with this provider.
    pub async fn with(provider: Provider) -> Self {
        let mut world = World::empty(|_| None).await;
        let document = document(&provider);
        let dev = &document["environments"][0];
        dev["secret_keys"][0]["secret"].as_str().expect("a key").clone_into(&mut world.secret_key);
        world.provision(document).await.expect("a good document");
        world.wire.calls();
        Self { world, provider }
    }

    /// A world whose environment `dev` sends its webhooks to this receiver.
    pub async fn telling(receiver: &Receiver) -> Self {
        let mut flow = Self::start().await;
        let webhooks = json!({ "webhooks": { "primary_url": receiver.url() } });
        flow.world.change_environment(webhooks).await;
        flow
    }

    /// Makes a connection of no particular kind, and returns its id.
    pub async fn connect_anything(&self) -> String {
        let token = self.world.mint(json!({ "tags": {} })).await;
        self.connected("/auth/unauthenticated/unauth", &token, &json!({})).await
    }

    /// Posts credentials with a session token to a connect endpoint, such as
    /// `/api-auth/api-key/key-verify`. The path may have a query.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.world.send(connect(path, token).json(body)).await
    }

    /// Posts credentials as [`post`](Self::post) does, asserts success, and returns the
    /// connection's id.
    pub async fn connected(&self, path: &str, token: &str, body: &Value) -> String {
        let reply = self.post(path, token, body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["connectionId"].as_str().expect("an id").to_owned()
    }

    /// Sends a request of the customer's server.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let call = Call::new(method, path).bearer(&self.world.secret_key);
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        self.world.send(call).await
    }

    /// Gives environment `dev` an OAuth 2 provider whose endpoints are below `url`, and an
    /// integration of the same name. `more` has further fields of the provider, in which `{url}`
    /// stands for `url`.
    pub async fn add_oauth_provider(&mut self, name: &str, url: &str, more: &Value) {
        let mut provider = json!({
            "name": name,
            "display_name": name,
            "categories": ["other"],
            "auth_mode": "OAUTH2",
            "authorization_url": format!("{url}/authorize"),
            "token_url": format!("{url}/token"),
            "docs": "https://example.com/docs",
        });
        let more = more.to_string().replace("{url}", url);
        let more: Map<_, _> = serde_json::from_str(&more).expect("an object");
        provider.as_object_mut().expect("an object").extend(more);
        let integration = json!({
            "unique_key": name,
            "provider": name,
            "credentials": { "type": "OAUTH2", "client_id": "id", "client_secret": "secret" },
        });
        let change = json!({ "providers": [provider], "integrations": [integration] });
        self.world.change_environment(change).await;
    }

    /// A connection as the customer's server reads it.
    pub async fn connection(&self, integration: &str, id: &str) -> Value {
        let reply = self.ask("GET", &connection_path(integration, id), None).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// The connections of environment `dev`, newest first.
    pub async fn connections(&self) -> Vec<Value> {
        let reply = self.ask("GET", "/connections", None).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["connections"].as_array().expect("a list").clone()
    }
}

/// A request to a connect endpoint, without a body. The token goes before the path's own query.
pub fn connect(path: &str, token: &str) -> Call {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Call::new("POST", &format!("{path}?connect_session_token={token}&{query}"))
}

/// The path at which a connection is read, changed and deleted.
pub fn connection_path(integration: &str, id: &str) -> String {
    format!("/connections/{id}?provider_config_key={integration}")
}

/// The environment document of the recorded flow cases.
pub fn document(provider: &Provider) -> Value {
    let recorded = include_str!("../contract/cases-flow-environment.json");
    let recorded: Value = serde_json::from_str(&provider.stand_in(recorded)).expect("JSON");
    let environments: Vec<Value> = recorded["environments"]
        .as_array()
        .expect("environments")
        .iter()
        .map(|environment| {
            json!({
                "name": environment["name"],
                "secret_keys": environment["secret_keys"],
                "providers": providers(&recorded),
                "integrations": integrations(environment),
                "webhooks": webhooks(environment),
            })
        })
        .collect();
    json!({ "environments": environments })
}

/// The test providers, which the environment defines.
fn providers(recorded: &Value) -> Vec<Value> {
    let providers = recorded["providers"].as_object().expect("providers");
    let named = |(name, template): (&String, &Value)| {
        let mut provider = Map::from_iter([("name".to_owned(), json!(name))]);
        provider.extend(template.as_object().expect("a template").clone());
        Value::Object(provider)
    };
    providers.iter().map(named).collect()
}

/// The integrations, except for the one whose provider is unknown: its document is refused.
fn integrations(environment: &Value) -> Vec<Value> {
    let mut integrations = environment["integrations"].as_array().expect("integrations").clone();
    integrations.retain(|integration| integration["provider"] != "no-such-provider");
    for integration in &mut integrations {
        integration.as_object_mut().expect("an integration").remove("note");
    }
    integrations
}

fn webhooks(environment: &Value) -> Value {
    let mut webhooks = environment["webhook"].as_object().cloned().unwrap_or_default();
    if let Some(key) = environment.get("webhook_signing_key") {
        webhooks.insert("signing_key".to_owned(), key.clone());
    }
    Value::Object(webhooks)
}
