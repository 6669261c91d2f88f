//! A browser learns on a socket how its flow ended, with each of the demo providers (section 8 of
//! the flow).

use std::net::SocketAddr;

use local::demo;
use local::providers::Providers;
use serde_json::{Value, json};
use tests::{Call, Reply, Socket, World};

/// The service, the demo's environment, and a browser.
struct Flows {
    world: World,
    address: SocketAddr,
    client: reqwest::Client,
    _providers: Providers,
}

impl Flows {
    async fn start() -> Self {
        let mut world = World::empty(|_| None).await;
        let providers = Providers::start().await.expect("the providers");
        let mut document = demo::document(None).expect("a document");
        providers.add_to(&mut document);
        let secret = &document["environments"][0]["secret_keys"][0]["secret"];
        secret.as_str().expect("a key").clone_into(&mut world.secret_key);
        world.provision(document).await.expect("a good document");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.build().expect("a client");
        let address = world.serve().await;
        Self { world, address, client, _providers: providers }
    }

    async fn socket(&self) -> Socket {
        Socket::open(self.address, "/", &[]).await.expect("a socket")
    }

    async fn token(&self) -> String {
        self.world.mint(json!({ "end_user": { "id": "u1" } })).await
    }

    async fn begin(&self, integration: &str, ws_client_id: &str) -> Reply {
        let token = self.token().await;
        self.world.send(connect(integration, &token, ws_client_id)).await
    }

    /// Runs a whole flow, and returns the last page.
    async fn flow(&self, integration: &str, ws_client_id: &str, decision: &str) -> Reply {
        let begun = self.begin(integration, ws_client_id).await;
        assert_eq!(begun.status, 302, "{begun:?}");
        let page = begun.header("location").expect("a page of consent");
        let decided = self.client.post(page).body(format!("decision={decision}")).send().await;
        let back = decided.expect("an answer").headers()["location"].clone();
        let back = back.to_str().expect("text").strip_prefix("http://api.example.test");
        let cookie = begun.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        let callback = Call::new("GET", back.expect("our host"));
        self.world.send(callback.header("cookie", cookie.expect("a cookie"))).await
    }
}

fn connect(integration: &str, token: &str, ws_client_id: &str) -> Call {
    let query = format!("connect_session_token={token}&ws_client_id={ws_client_id}");
    Call::new("GET", &format!("/oauth/connect/{integration}?{query}"))
}

#[tokio::test]
async fn a_success_is_told_once() {
    let flows = Flows::start().await;
    let (mut socket, mut other) = (flows.socket().await, flows.socket().await);
    let page = flows.flow("demo-oauth", &socket.id, "allow").await;
    assert_eq!(page.status, 200, "{page:?}");
    let told = socket.message().await;
    let list = Call::new("GET", "/connections").bearer(&flows.world.secret_key);
    let list = flows.world.send(list).await.json();
    let made = list["connections"].as_array().expect("a list").iter();
    let mut made = made.filter(|connection| connection["provider_config_key"] == "demo-oauth");
    let id = &made.next().expect("a connection")["connection_id"];
    assert_eq!(
        told,
        json!({
            "message_type": "success",
            "provider_config_key": "demo-oauth",
            "connection_id": id,
            "is_pending": false,
        })
    );
    // A second flow that names the socket gets the same page, but no message.
    assert_eq!(flows.flow("demo-oauth", &socket.id, "allow").await.status, 200);
    assert!(socket.is_silent().await);
    assert!(other.is_silent().await);
}

#[tokio::test]
async fn a_failure_is_told() {
    let flows = Flows::start().await;
    for (integration, decision, error_type) in [
        ("demo-oauth", "deny", "callback_err"),
        ("demo-oauth-refuses", "allow", "unknown_err"),
        ("demo-oauth-status-200", "allow", "unknown_err"),
    ] {
        let mut socket = flows.socket().await;
        let page = flows.flow(integration, &socket.id, decision).await;
        assert_eq!(page.status, 400, "{integration}: {page:?}");
        let told = socket.message().await;
        let keys: Vec<_> = told.as_object().expect("an object").keys().collect();
        let expected =
            ["message_type", "provider_config_key", "connection_id", "error_type", "error_desc"];
        assert_eq!(keys, expected);
        assert_eq!(told["message_type"], "error");
        assert_eq!(told["provider_config_key"], integration);
        assert_eq!(told["error_type"], error_type, "{told}");
        assert_ne!(told["error_desc"], "");
    }
}

#[tokio::test]
async fn a_failure_at_the_start_is_told() {
    let flows = Flows::start().await;
    let mut socket = flows.socket().await;
    assert_eq!(flows.begin("nothing", &socket.id).await.status, 400);
    let told = socket.message().await;
    assert_eq!(told["message_type"], "error");
    assert_eq!(told["provider_config_key"], "nothing");
    let id = told["connection_id"].as_str().expect("an id");
    assert!(uuid::Uuid::try_parse(id).is_ok(), "{told}");
    assert!(socket.is_silent().await);
}

#[tokio::test]
async fn nobody_waits_and_the_flow_ends_the_same() {
    let flows = Flows::start().await;
    for ws_client_id in ["", "unknown", "..%2F..", &"a".repeat(5_000)] {
        let page = flows.flow("demo-oauth", ws_client_id, "allow").await;
        assert_eq!(page.status, 200, "{ws_client_id}: {page:?}");
    }
    let socket = flows.socket().await;
    let id = socket.id.clone();
    socket.close().await;
    assert_eq!(flows.flow("demo-oauth", &id, "allow").await.status, 200);
}

#[tokio::test]
async fn a_form_comes_back_too() {
    let flows = Flows::start().await;
    let mut socket = flows.socket().await;
    let begun = flows.begin("demo-oauth-form-post", &socket.id).await;
    let page = begun.header("location").expect("a page of consent");
    let decided = flows.client.post(page).body("decision=allow").send().await.expect("an answer");
    let html = decided.text().await.expect("text");
    let field = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        html.split(&start).nth(1).and_then(|rest| rest.split('"').next()).expect("a field")
    };
    let form = format!("code={}&state={}", field("code"), field("state"));
    let posted = Call::new("POST", "/oauth/callback").body(form);
    let posted = posted.header("content-type", "application/x-www-form-urlencoded");
    let sent = flows.world.send(posted).await;
    assert_eq!(sent.status, 303, "{sent:?}");
    let back = sent.header("location").and_then(|url| url.strip_prefix("http://api.example.test"));
    let cookie = begun.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let callback = Call::new("GET", back.expect("our host"));
    let page = flows.world.send(callback.header("cookie", cookie.expect("a cookie"))).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(socket.message().await["message_type"], Value::from("success"));
}
