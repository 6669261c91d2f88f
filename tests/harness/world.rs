//! A world of its own for each test: an engine on a free port, tables, an environment, and the
//! service on top. Time stands still until the test moves it.

use std::sync::Arc;

use api::App;
use api::settings::Settings;
use api::telemetry::CountCalls;
use aws::{Roots, Waits};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use connect::Connect;
use dynoxide::Database;
use dynoxide::storage_backend::{Clock, ManualClock};
use jiff::{SignedDuration, Timestamp};
use local::dynamodb::{self, Engine};
use local::kms::Kms;
use provision::{Failure, Report};
use serde_json::{Value, json};
use session::secret_key::SecretKey;
use std::collections::HashMap;
use vault::Vault;

use crate::call::{Call, Reply};
use crate::wire::Wire;

/// The service, and everything around it.
pub struct World {
    /// The service, as one warm container would have it.
    pub connect: &'static Connect,
    /// The part of it that the session functions have.
    pub app: &'static App,
    /// What stands between the service and the engine.
    pub wire: Wire,
    /// A client of the engine that the service knows nothing of.
    pub client: Client,
    /// The secret key of environment `dev`.
    pub secret_key: String,
    /// A key of `dev` without scopes.
    pub secret_key_no_scope: String,
    /// The moment at which requests arrive.
    pub now: Timestamp,
    /// KMS.
    pub kms: Kms,
    /// What stands between the service and KMS.
    pub kms_wire: Wire,
    engine: Engine,
    clock: Arc<ManualClock>,
}

impl World {
    /// A world with the environment that the recorded cases assume.
    pub async fn start() -> Self {
        Self::with(|_| None).await
    }

    /// A world whose settings are other than the default ones.
    pub async fn with(setting: impl Fn(&str) -> Option<&'static str>) -> Self {
        let world = Self::empty(setting).await;
        let report = world.provision(world.document()).await.expect("a good document");
        assert_eq!(report.secrets, []);
        world.wire.calls();
        world
    }

    /// A world without an environment.
    pub async fn empty(setting: impl Fn(&str) -> Option<&'static str>) -> Self {
        let clock = Arc::new(ManualClock::new(1));
        let database = Database::memory_with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let engine = Engine::serve(database.expect("a database")).await.expect("an engine");
        let wire = Wire::to(engine.address).await;
        let client = client(&engine.url());
        let kms = Kms::start(None).await.expect("KMS");
        let kms_wire = Wire::to(kms.address).await;
        let settings = settings(setting);
        dynamodb::create_tables(&client, &settings).await.expect("tables");

        let connect = container(&settings, &wire, &kms_wire);
        let mut world = Self {
            connect,
            app: &connect.app,
            wire,
            kms,
            kms_wire,
            client,
            secret_key: SecretKey::generate().expose().to_owned(),
            secret_key_no_scope: SecretKey::generate().expose().to_owned(),
            now: "2026-11-22T12:38:27.690Z".parse().expect("a moment"),
            engine,
            clock,
        };
        world.set_time(world.now);
        world
    }

    /// The environment `dev` of the recorded cases.
    pub fn document(&self) -> Value {
        let keys = ["github", "slack", "my integration", "hubspot", "a"];
        let integrations = keys.map(|key| json!({ "unique_key": key, "provider": provider(key) }));
        json!({ "environments": [ {
            "name": "dev",
            "secret_keys": [
                { "name": "server", "secret": self.secret_key },
                { "name": "no scope", "secret": self.secret_key_no_scope, "scopes": [] },
            ],
            "integrations": integrations,
            "connections": [ { "connection_id": "conn-1", "integration_id": "github" } ],
        } ] })
    }

    /// Applies an environment document.
    pub async fn provision(&self, document: Value) -> Result<Report, Failure> {
        provision::apply(self.connect, document, self.now).await
    }

    /// Applies a change to environment `dev`, and forgets what the container had cached.
    pub async fn change_environment(&mut self, mut change: Value) -> Report {
        change["name"] = json!("dev");
        let report = self.provision(json!({ "environments": [change] })).await;
        self.restart();
        report.expect("a good document")
    }

    /// The same service with its DynamoDB elsewhere.
    pub fn with_endpoint(&self, url: Option<&str>) -> &'static Connect {
        let endpoint_url = url.map(str::to_owned);
        let settings = Settings { endpoint_url, ..self.app.settings.clone() };
        container_on(&settings, self.client.clone(), &self.kms_wire)
    }

    /// The same service in a new container.
    pub fn cold(&self) -> &'static Connect {
        container(&self.app.settings, &self.wire, &self.kms_wire)
    }

    /// Goes on in a new container, and forgets the calls that were made so far.
    pub fn restart(&mut self) {
        self.connect = self.cold();
        self.app = &self.connect.app;
        self.wire.calls();
        self.kms_wire.calls();
    }

    /// The same service in a new container that reaches the engine over a wire of its own, and
    /// waits as long for an answer as `provision` does.
    pub async fn other_container(&self) -> (&'static Connect, Wire) {
        let wire = Wire::to(self.engine.address).await;
        let url = format!("http://{}", wire.address);
        let client = tables::client::client(
            aws::connector(Roots::Native, Waits::PROVISION),
            Waits::PROVISION,
            Region::from_static("us-east-1"),
            Credentials::for_tests(),
            Some(url),
            CountCalls::DynamoDb,
        );
        (container_on(&self.app.settings, client, &self.kms_wire), wire)
    }

    /// Moves the clocks of the service and of the engine.
    pub fn set_time(&mut self, now: Timestamp) {
        self.now = now;
        self.clock.set(u64::try_from(now.as_second()).expect("after 1970"));
    }

    /// Moves the clocks on.
    pub fn pass_ms(&mut self, ms: i64) {
        self.set_time(self.now + SignedDuration::from_millis(ms));
    }

    /// What DynamoDB does on its own: deletes what has expired, and says how much that was.
    pub fn sweep(&self) -> usize {
        self.engine.database.sweep_ttl().expect("a sweep")
    }

    /// Sends a request.
    pub async fn send(&self, call: Call) -> Reply {
        call.send_to(self.connect, self.now).await
    }

    /// Asks for a session.
    pub async fn create(&self, body: Value) -> Reply {
        self.send(Call::create(&self.secret_key, &body)).await
    }

    /// Asks for a session for one connection.
    pub async fn reconnect(&self, body: Value) -> Reply {
        self.send(Call::reconnect(&self.secret_key, &body)).await
    }

    /// Makes a session and takes its token.
    pub async fn mint(&self, body: Value) -> String {
        self.create(body).await.token()
    }

    /// Reads a session.
    pub async fn get(&self, token: &str) -> Reply {
        self.send(Call::get(token)).await
    }

    /// Ends a session.
    pub async fn delete(&self, token: &str) -> Reply {
        self.send(Call::delete(token)).await
    }

    /// Every item of all tables.
    pub async fn dump(&self) -> Vec<HashMap<String, AttributeValue>> {
        let settings = &self.app.settings;
        let mut items = Vec::new();
        for table in
            [&settings.tables.sessions, &settings.tables.registry, &settings.tables.connections]
        {
            let scan = self.client.scan().table_name(table).into_paginator().items().send();
            items.extend(scan.try_collect().await.expect("a scan"));
        }
        items
    }

    /// The items of the sessions table.
    pub async fn session_items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let items = self.dump().await;
        items.into_iter().filter(|item| item.contains_key("token_hash")).collect()
    }
}

fn settings(setting: impl Fn(&str) -> Option<&'static str>) -> Settings {
    let value = |name: &str| {
        setting(name).or(match name {
            "SESSIONS_TABLE" => Some("sessions"),
            "REGISTRY_TABLE" => Some("registry"),
            "CONNECTIONS_TABLE" => Some("connections"),
            "KMS_KEY_ID" => Some(local::kms::KEY_ID),
            "OUTBOUND_ALLOW" => Some("127.0.0.0/8"),
            "CONNECT_UI_URL" => Some("http://localhost:3009"),
            _ => None,
        })
    };
    Settings::read(|name| value(name).map(str::to_owned)).expect("good settings")
}

fn client(url: &str) -> Client {
    let credentials = Credentials::new("test", "test", None, None, "test");
    dynamodb::client(url, "us-east-1".to_owned(), credentials)
}

/// A provider of the catalogue for each integration.
fn provider(key: &str) -> &str {
    if catalogue::template(key).is_some() { key } else { "unauthenticated" }
}

fn container(settings: &Settings, wire: &Wire, kms_wire: &Wire) -> &'static Connect {
    let url = format!("http://{}", wire.address);
    let client = client(&url);
    container_on(&Settings { endpoint_url: Some(url), ..settings.clone() }, client, kms_wire)
}

/// Leaked, as it lives as long as its container.
fn container_on(settings: &Settings, client: Client, kms_wire: &Wire) -> &'static Connect {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let kms_url = format!("http://{}", kms_wire.address);
    let kms = local::kms::client(&kms_url, "us-east-1".to_owned(), credentials);
    Box::leak(Box::new(Connect {
        app: App::new(settings.clone(), client),
        vault: Vault::new(kms, settings.kms_key_id.clone()),
        outbound: connect::connect::outbound(settings).expect("good settings"),
    }))
}
