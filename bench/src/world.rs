//! The surroundings of the functions: an engine with an environment, the endpoint in front of it,
//! and events.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use api::Timestamp;
use api::settings::Settings;
use aws_sdk_dynamodb::Client;
use axum::http::Request;
use connect::Connect;
use local::dynamodb::{self, Engine};
use local::event;
use local::kms::Kms;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Failure;
use crate::dynamodb::Endpoint;
use crate::process::Program;
use crate::provider;

/// The secret key of the environment.
pub const SECRET_KEY: &str = "6e5f2a4c-1d3b-4f7a-9c8e-2b1a0d9f8e7c";

/// The secret key of the environment whose integrations are connected.
pub const CONNECTING_KEY: &str = "0b9f6d1e-7c3a-4e58-8f21-5d4c3b2a1908";

/// The integration that is connected, with an API key that is not verified.
pub const CONNECTED: &str = "resend";

/// An integration with OAuth 2 and a provider of the catalogue.
pub const CONSENTED: &str = "github";

/// An integration with OAuth 2 and the stand-in as its provider.
pub const EXCHANGED: &str = "acme";

/// The connection of the environment.
pub const CONNECTION: &str = "8ad36bb4-5b3c-4a6f-9a43-2f3e6a1b7c55";

/// The settings that the template sets.
const SETTINGS: [(&str, &str); 8] = [
    // A hundred calls under valgrind take longer than the default of a minute, and reading again
    // after it would make runs differ.
    ("REGISTRY_CACHE_SECONDS", "3600"),
    // The stand-in for a provider.
    ("OUTBOUND_ALLOW", "127.0.0.0/8"),
    ("CONNECTIONS_TABLE", "connections"),
    ("EVENTS_TABLE", "events"),
    ("KMS_KEY_ID", local::kms::KEY_ID),
    ("SESSIONS_TABLE", "connect-sessions-SessionsTable-1ABCDEFGHIJKL"),
    ("REGISTRY_TABLE", "connect-sessions-RegistryTable-1ABCDEFGHIJKL"),
    ("CONNECT_UI_URL", "https://connect.example.com"),
];

/// An engine, an environment, and the endpoint.
pub struct World {
    /// The endpoint at which the functions reach DynamoDB.
    pub endpoint: Endpoint,
    /// A folder for files that live as long as a run.
    pub folder: TempDir,
    /// A client of the engine that bypasses the endpoint, which does not count its calls.
    pub client: Client,
    connect: &'static Connect,
    runtime: Runtime,
    _engine: Engine,
    _kms: Kms,
}

impl World {
    /// A world with one environment.
    pub fn start(integrations: &[String]) -> Result<Self, Failure> {
        let runtime = Runtime::new()?;
        let folder = TempDir::new()?;
        let setting = |name: &str| SETTINGS.iter().find(|(known, _)| *known == name);
        let settings = Settings::read(|name| setting(name).map(|(_, value)| (*value).to_owned()))?;
        let (engine, kms, client, connect) = runtime.block_on(async {
            let engine = Engine::start(None).await?;
            let credentials = aws_sdk_dynamodb::config::Credentials::for_tests();
            let client = dynamodb::client(&engine.url(), "us-east-1".to_owned(), credentials);
            dynamodb::create_tables(&client, &settings).await?;
            let kms = Kms::start(None).await?;
            let state = local::state(settings, client.clone(), &kms)?;
            Ok::<_, Failure>((engine, kms, client, &state.connect))
        })?;
        let endpoint = Endpoint::start(engine.address, kms.address, folder.path())?;
        let world = Self { endpoint, folder, client, connect, runtime, _engine: engine, _kms: kms };
        world.provision(integrations)?;
        Ok(world)
    }

    /// Adds integrations to the environment.
    pub fn provision(&self, integrations: &[String]) -> Result<(), Failure> {
        self.apply(document(integrations))
    }

    /// Makes the environment whose integrations are connected. It is a separate one, so that the
    /// environment of the session functions stays as small as it was.
    pub fn provision_connecting(&self) -> Result<(), Failure> {
        let base_url = provider::start()?;
        self.apply(connecting_document(&base_url))
    }

    /// The tables, without the endpoint in front of them.
    pub fn tables(&self) -> &'static tables::Tables {
        &self.connect.app.tables
    }

    /// The settings of the functions.
    pub fn settings(&self) -> &'static Settings {
        &self.connect.app.settings
    }

    /// Waits for an operation on the tables.
    pub fn wait<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.runtime.block_on(work)
    }

    fn apply(&self, document: Value) -> Result<(), Failure> {
        let applied = provision::apply(&self.connect.app, &self.connect.vault, document, now());
        match self.runtime.block_on(applied) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.body().to_string().into()),
        }
    }

    /// A file with this machine's roots and that of the endpoint.
    pub fn with_machine_roots(&self) -> Result<String, Failure> {
        let machine = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt")?;
        let own = fs::read_to_string(self.folder.path().join("roots.pem"))?;
        let file = self.folder.path().join("machine-roots.pem");
        fs::write(&file, machine + &own)?;
        Ok(file.display().to_string())
    }

    /// A program with the environment variables of a deployed function.
    pub fn program(&self, command: &[PathBuf]) -> Program {
        let roots = self.folder.path().join("roots.pem").display().to_string();
        let variables = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0123456789abcdef"),
        ];
        let variables = variables.into_iter().chain(SETTINGS);
        let mut variables: Vec<_> = variables.map(|(name, value)| (name, value.into())).collect();
        variables.extend([
            // As long as those of Lambda.
            ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLE".repeat(32)),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.endpoint.url.clone()),
            ("AWS_ENDPOINT_URL_KMS", self.endpoint.url.clone()),
            ("SSL_CERT_FILE", roots.clone()),
            ("NODE_EXTRA_CA_CERTS", roots),
        ]);
        Program {
            command: command.iter().map(|part| part.clone().into()).collect(),
            variables,
            log: None,
        }
    }
}

/// An environment document with one key, one connection, and these integrations.
pub fn document(integrations: &[String]) -> Value {
    let integration =
        |key| json!({ "unique_key": key, "provider": "unauthenticated", "display_name": key });
    json!({ "environments": [ {
        "name": "prod",
        "secret_keys": [ { "name": "server", "secret": SECRET_KEY } ],
        "integrations": integrations.iter().map(integration).collect::<Vec<_>>(),
        "connections": [ {
            "connection_id": CONNECTION,
            "integration_id": "github",
            "end_user": { "id": "user-4711", "email": "ada@example.com" },
        } ],
    } ] })
}

/// An environment document with a key that may do everything, and integrations with credentials:
/// one with an API key, and two with OAuth 2, of which one has its provider at this address.
pub fn connecting_document(base_url: &str) -> Value {
    let client = json!({
        "type": "OAUTH2",
        "client_id": "Iv1.8a61f9b3a7aba766",
        "client_secret": "f4c2e5b8a1d7093c6e2f8b5a4d1c7e0f",
        "scopes": "read:user,repo",
    });
    json!({ "environments": [ {
        "name": "connecting",
        "secret_keys": [
            { "name": "server", "secret": CONNECTING_KEY, "scopes": ["environment:*"] },
        ],
        "providers": [ {
            "name": EXCHANGED,
            "display_name": "Acme",
            "auth_mode": "OAUTH2",
            "categories": ["other"],
            "docs": "https://example.com/docs",
            "authorization_url": format!("{base_url}/authorize"),
            "token_url": format!("{base_url}/token"),
            "proxy": { "base_url": base_url },
        } ],
        "integrations": [
            { "unique_key": CONNECTED, "provider": CONNECTED },
            { "unique_key": CONSENTED, "provider": CONSENTED, "credentials": client },
            { "unique_key": EXCHANGED, "provider": EXCHANGED, "credentials": client },
        ],
    } ] })
}

/// The event that API Gateway makes of a request.
pub fn event(route: &str, credential: &str, body: Option<&Value>) -> Result<String, Failure> {
    let (_, path) = route.split_once(' ').ok_or("a route has a method and a path")?;
    event_at(route, path, &[], Some(credential), body)
}

/// The event of a request whose path has parameters, or whose query carries the credential.
pub fn event_at(
    route: &str,
    uri: &str,
    parameters: &[(&str, &str)],
    credential: Option<&str>,
    body: Option<&Value>,
) -> Result<String, Failure> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let (method, _) = route.split_once(' ').ok_or("a route has a method and a path")?;
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("accept", "application/json, text/plain, */*")
        .header("content-length", body.len())
        .header("host", "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com")
        .header("user-agent", "nango-node-client/0.69.5 (linux/6.1.0; node.js/20.20.2)")
        .header("x-amzn-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        .header("x-forwarded-for", "203.0.113.7")
        .header("x-forwarded-port", "443")
        .header("x-forwarded-proto", "https");
    if let Some(credential) = credential {
        request = request.header("authorization", format!("Bearer {credential}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let (parts, ()) = request.body(())?.into_parts();
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
    let id = "JKJaXmPLvHcESHA=";
    let named = |(name, value): &(&str, &str)| ((*name).to_owned(), json!(value));
    let parameters: Map<_, _> = parameters.iter().map(named).collect();
    Ok(event::event(route, parameters, &parts, body.as_bytes(), peer, id, now()).to_string())
}

#[expect(clippy::disallowed_methods, reason = "sessions are read by processes with a real clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
