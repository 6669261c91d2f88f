//! A world for each test: an engine on a free port, tables, an environment, and the service. Time
//! stands still until the test moves it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use api::settings::Settings;
use api::{App, InvocationFailure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use connect::Connect;
use deliver_webhooks::Deliver;
use dynoxide::Database;
use dynoxide::storage_backend::{Clock, ManualClock};
use jiff::{SignedDuration, Timestamp};
use local::dynamodb::{self, Engine};
use local::kms::Kms;
use local::sqs::Sqs;
use local::webhooks::{Position, Webhooks};
use local::websockets::Websockets;
use local::{State, gateway};
use provision::{Failure, Report};
use serde_json::{Value, json};
use session::secret_key::SecretKey;
use std::collections::HashMap;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::call::{Call, Reply};
use crate::container::{client, container_at, container_on, patient_client, settings};
use crate::wire::Wire;

/// The service and everything around it.
pub struct World {
    /// The state of one warm container.
    pub state: &'static State,
    /// The part of the state that the functions for connections have.
    pub connect: &'static Connect,
    /// The part of the state that the functions for sessions have.
    pub app: &'static App,
    /// The wire between the service and the engine.
    pub wire: Wire,
    /// A client of the engine that bypasses the wire.
    pub client: Client,
    /// The secret key of environment `dev`.
    pub secret_key: String,
    /// A key of `dev` without scopes.
    pub secret_key_no_scope: String,
    /// The time at which requests arrive.
    pub now: Timestamp,
    /// KMS.
    pub kms: Kms,
    /// The wire between the service and KMS.
    pub kms_wire: Wire,
    /// The open sockets, and the endpoint through which the service posts to them.
    pub websockets: Websockets,
    /// The queue of webhooks.
    pub sqs: Sqs,
    /// The functions that deliver webhooks, in a container of their own, without caches.
    pub deliver: &'static Deliver,
    pub(crate) webhooks: tokio::sync::Mutex<Webhooks>,
    milliseconds: Arc<AtomicI64>,
    engine: Engine,
    clock: Arc<ManualClock>,
}

impl World {
    /// A world with the environment that the recorded cases assume.
    pub async fn start() -> Self {
        Self::with(|_| None).await
    }

    /// The same with other settings than the default.
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
        let websockets = Websockets::start().await.expect("a WebSocket endpoint");
        let websocket_api_url = Some(websockets.url());
        let settings = Settings { websocket_api_url, ..settings(setting) };
        dynamodb::create_tables(&client, &settings).await.expect("tables");

        let milliseconds = Arc::new(AtomicI64::new(0));
        let sqs = queue(&milliseconds).await;
        let uncached = Settings { registry_cache_seconds: 0, ..settings.clone() };
        let kms_line = Wire::to(kms.address).await;
        let patient = patient_client(&engine.url());
        let container = container_on(&uncached, patient, &kms_line);
        let deliver = local::deliver(&container.connect, &sqs);
        let (database, events) = (engine.database.clone(), &settings.tables.events);
        let webhooks = Webhooks::new(database, events, Position::Oldest, sqs.reader(), deliver);
        let state = container_at(&settings, &wire, &kms_wire);
        let mut world = Self {
            state,
            connect: &state.connect,
            app: &state.connect.app,
            wire,
            kms,
            kms_wire,
            websockets,
            client,
            secret_key: SecretKey::generate().expose().to_owned(),
            secret_key_no_scope: SecretKey::generate().expose().to_owned(),
            now: "2026-11-22T12:38:27.690Z".parse().expect("a moment"),
            sqs,
            deliver,
            webhooks: tokio::sync::Mutex::new(webhooks.expect("a stream")),
            milliseconds,
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
        provision::apply(self.app, &self.connect.vault, document, self.now).await
    }

    /// Invokes `provision` as an operator does, with this much time left.
    pub async fn invoke_provision(
        &self,
        request: Value,
        time_left: Duration,
    ) -> Result<Value, InvocationFailure> {
        provision::handle(self.app, &self.connect.vault, request, self.now, time_left).await
    }

    /// Applies a change to environment `dev`, and empties the container's cache.
    pub async fn change_environment(&mut self, mut change: Value) -> Report {
        change["name"] = json!("dev");
        let report = self.provision(json!({ "environments": [change] })).await;
        self.restart();
        report.expect("a good document")
    }

    /// The same service with another DynamoDB endpoint.
    pub fn with_endpoint(&self, url: Option<&str>) -> &'static Connect {
        let endpoint_url = url.map(str::to_owned);
        let settings = Settings { endpoint_url, ..self.app.settings.clone() };
        &container_on(&settings, self.client.clone(), &self.kms_wire).connect
    }

    /// The same service in a new container.
    pub fn cold(&self) -> &'static State {
        container_at(&self.app.settings, &self.wire, &self.kms_wire)
    }

    /// Goes on in a new container, and forgets the calls that the wires counted so far.
    pub fn restart(&mut self) {
        self.enter(self.cold());
        self.wire.calls();
        self.kms_wire.calls();
    }

    /// Goes on in another container.
    pub fn enter(&mut self, state: &'static State) {
        self.state = state;
        self.connect = &state.connect;
        self.app = &state.connect.app;
    }

    /// The same service in a new container with a wire of its own and the timeouts of `provision`.
    pub async fn other_container(&self) -> (&'static State, Wire) {
        let wire = Wire::to(self.engine.address).await;
        let client = patient_client(&format!("http://{}", wire.address));
        (container_on(&self.app.settings, client, &self.kms_wire), wire)
    }

    /// Sets the clocks of the service and of the engine.
    pub fn set_time(&mut self, now: Timestamp) {
        self.now = now;
        self.milliseconds.store(now.as_millisecond(), Ordering::SeqCst);
        self.clock.set(u64::try_from(now.as_second()).expect("after 1970"));
    }

    /// Moves the clocks forward.
    pub fn pass_ms(&mut self, ms: i64) {
        self.set_time(self.now + SignedDuration::from_millis(ms));
    }

    /// Deletes expired items, as DynamoDB does on its own, and returns their number.
    pub fn sweep(&self) -> usize {
        self.engine.database.sweep_ttl().expect("a sweep")
    }

    /// Sends a request.
    pub async fn send(&self, call: Call) -> Reply {
        call.send_to(self.state, self.now).await
    }

    /// Serves the API on a free port, with a clock that stands still.
    pub async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (state, hub) = (self.state, self.websockets.hub.clone());
        let clock = || Timestamp::UNIX_EPOCH;
        let pages = axum::Router::new();
        let stop = std::future::pending();
        tokio::spawn(gateway::serve(state, hub, listener, pages, clock, stop));
        address
    }

    /// Requests a session.
    pub async fn create(&self, body: Value) -> Reply {
        self.send(Call::create(&self.secret_key, &body)).await
    }

    /// Requests a session that reconnects a connection.
    pub async fn reconnect(&self, body: Value) -> Reply {
        self.send(Call::reconnect(&self.secret_key, &body)).await
    }

    /// Makes a session and returns its token.
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
        let tables = &settings.tables;
        for table in [&tables.sessions, &tables.registry, &tables.connections, &tables.events] {
            let scan = self.client.scan().table_name(table).into_paginator().items().send();
            items.extend(scan.try_collect().await.expect("a scan"));
        }
        items
    }

    /// The environment of a session that exists.
    pub async fn environment_id(&self) -> Uuid {
        let session = self.session_items().await.into_iter().next().expect("a session");
        let id = session["environment_id"].as_s().expect("an id");
        id.parse().expect("a UUID")
    }

    /// The items of the sessions table.
    pub async fn session_items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let items = self.dump().await;
        items.into_iter().filter(|item| item.contains_key("token_hash")).collect()
    }
}

/// A provider of the catalogue for each integration.
fn provider(key: &str) -> &str {
    if catalogue::template(key).is_some() { key } else { "unauthenticated" }
}

/// A queue whose clock a test moves.
async fn queue(milliseconds: &Arc<AtomicI64>) -> Sqs {
    let milliseconds = Arc::clone(milliseconds);
    let clock = move || {
        let now = Timestamp::from_millisecond(milliseconds.load(Ordering::SeqCst));
        now.expect("a moment")
    };
    Sqs::start(Arc::new(clock)).await.expect("a queue")
}
