//! The start of the service: settings, parts in the order of their dependencies, provisioning.

use std::iter;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use api::settings::Settings;
use api::{InitError, Timestamp};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use connect::Connect;
use local::banner::Banner;
use local::dynamodb::{self, Engine};
use local::kms::Kms;
use local::providers::Providers;
use local::server::Server;
use local::sqs::Sqs;
use local::webhooks::{Position, Webhooks};
use local::websockets::Websockets;
use local::{demo, gateway, inbox, log, schedule};
use provision::Failure;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::arguments::{self, Arguments};

/// The parts that serve.
pub struct Service {
    api: Server,
    webhooks: Option<Server>,
    sqs: Sqs,
    kms: Kms,
    websockets: Websockets,
    providers: Option<Providers>,
    engine: Option<Engine>,
}

impl Service {
    /// Starts everything, and returns what to print about its use.
    pub async fn start(arguments: Arguments) -> Result<(Self, Banner), InitError> {
        let settings = settings()?;
        let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        log::start(&settings.log, arguments.log, no_color);
        let listener = bind(arguments.listen).await?;
        let address = listener.local_addr().map_err(|error| InitError::new(error.to_string()))?;
        let document = arguments.environment.as_deref().map(read_document).transpose()?;

        let (engine, client) = if let Some(url) = &arguments.dynamodb {
            (None, remote_client(url)?)
        } else {
            let engine = Engine::start_at(arguments.engine, arguments.data_file()).await?;
            let client = engine.client();
            (Some(engine), client)
        };
        if !arguments.is_aws() {
            dynamodb::create_tables(&client, &settings).await?;
        }
        if let Some(engine) = &engine {
            engine.sweep_on_a_timer();
        }
        // Without an endpoint URL, the service would call AWS.
        let endpoint_url = engine.as_ref().map(Engine::url);
        let endpoint_url = endpoint_url.or(arguments.dynamodb.as_ref().map(ToString::to_string));
        let websockets = Websockets::start().await.map_err(|error| {
            InitError::new(format!("the WebSocket endpoint does not start: {error}"))
        })?;
        let websocket_api_url = Some(websockets.url());
        let settings = Settings { endpoint_url, websocket_api_url, ..settings };
        let kms = Kms::start(arguments.kms_file().as_deref())
            .await
            .map_err(|error| InitError::new(format!("KMS does not start: {error}")))?;
        let state = local::state(settings, client, &kms)?;
        let connect = &state.connect;

        let (document, providers) = match document {
            None if arguments.is_aws() => (None, None),
            None => {
                let (document, providers) = demo(&arguments).await?;
                let inbox = format!("http://{address}{}", inbox::PATH);
                (Some(demo::with_receiver(document, &inbox)), Some(providers))
            }
            Some(document) => (Some(document), None),
        };
        let report = match &document {
            Some(document) => Some(provision(connect, document.clone()).await?),
            None => None,
        };
        let (sqs, webhooks) = webhooks(connect, engine.as_ref()).await?;
        let pages = inbox::routes(connect, clock);
        let is_aws = arguments.is_aws();
        if !is_aws {
            schedule::refresh_on_a_timer(connect, clock);
        }
        let hub = websockets.hub.clone();
        let api = Server::start("the API", |stop| async move {
            let served = gateway::serve(state, hub, listener, pages, clock, stop);
            served.await.map_err(|error| error.to_string())
        });
        let data = arguments.describe_data();
        let connect_link = match (&document, &providers) {
            (Some(demo), Some(_)) => demo::connect_link(state, demo, address, clock()).await,
            _ => None,
        };
        let banner = Banner { address, data, is_aws, connect_link, document, report };
        Ok((Self { api, webhooks, sqs, kms, websockets, providers, engine }, banner))
    }

    /// The servers in the order in which to stop them: the API first, because it needs the others.
    pub fn servers(&mut self) -> Vec<&mut Server> {
        let engine = self.engine.as_mut().map(|engine| &mut engine.server);
        let providers = self.providers.as_mut().map(|providers| &mut providers.server);
        let webhooks = self.webhooks.as_mut();
        let others = [&mut self.websockets.server, &mut self.sqs.server, &mut self.kms.server];
        let all = iter::once(&mut self.api).chain(webhooks).chain(others);
        all.chain(providers).chain(engine).collect()
    }
}

/// The demo's document, and the providers that its integrations connect.
async fn demo(arguments: &Arguments) -> Result<(Value, Providers), InitError> {
    let providers = Providers::start()
        .await
        .map_err(|error| InitError::new(format!("the demo providers do not start: {error}")))?;
    let mut document = demo::document(arguments.demo_file().as_deref())?;
    providers.add_to(&mut document);
    Ok((document, providers))
}

/// The queue of webhooks, and what delivers them if the embedded engine has the tables.
async fn webhooks(
    connect: &'static Connect,
    engine: Option<&Engine>,
) -> Result<(Sqs, Option<Server>), InitError> {
    let sqs = Sqs::start(Arc::new(clock)).await;
    let sqs = sqs.map_err(|error| InitError::new(format!("SQS does not start: {error}")))?;
    let Some(engine) = engine else {
        tracing::info!("with --dynamodb, webhooks are stored and not delivered by this process");
        return Ok((sqs, None));
    };
    let deliver = local::deliver(connect, &sqs);
    let (database, table) = (engine.database.clone(), &connect.app.settings.tables.events);
    // The stream is opened first: an event that is written meanwhile is queued twice and sent once.
    let webhooks = Webhooks::new(database, table, Position::Newest, sqs.reader(), deliver)?;
    webhooks.recover(clock()).await?;
    let server = Server::start("the delivery of webhooks", |stop| async move {
        webhooks.run(clock, stop).await;
        Ok(())
    });
    Ok((sqs, Some(server)))
}

/// The functions' settings, with defaults for those that `template.yaml` always sets.
fn settings() -> Result<Settings, InitError> {
    Settings::read(|name| {
        variable(name).or_else(|| match name {
            "SESSIONS_TABLE" => Some("connect-sessions".to_owned()),
            "CONNECTIONS_TABLE" => Some("connect-connections".to_owned()),
            "EVENTS_TABLE" => Some("connect-events".to_owned()),
            "KMS_KEY_ID" => Some(local::kms::KEY_ID.to_owned()),
            "OUTBOUND_ALLOW" => Some("127.0.0.0/8,::1/128".to_owned()),
            "REGISTRY_TABLE" => Some("connect-registry".to_owned()),
            // The engine warns about every failed condition, and those are part of normal work.
            "RUST_LOG" => Some("info,dynoxide=error".to_owned()),
            _ => None,
        })
    })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, InitError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => InitError::new(format!(
            "{address} is taken by another process; choose another with --listen"
        )),
        _ => InitError::new(format!("cannot listen on {address}: {error}")),
    })
}

fn read_document(file: &Path) -> Result<Value, InitError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        InitError::new(format!("the environment {} cannot be read: {error}", file.display()))
    })?;
    serde_json::from_str(&text).map_err(|error| {
        InitError::new(format!("the environment {} is not JSON: {error}", file.display()))
    })
}

/// Applies the document. The error lists everything that is wrong with it, with paths.
async fn provision(connect: &Connect, document: Value) -> Result<provision::Report, InitError> {
    let applied = provision::apply(&connect.app, &connect.vault, document, clock());
    applied.await.map_err(|failure| match failure {
        Failure::Refused(issues) => {
            let lines: Vec<_> = issues
                .iter()
                .map(|issue| format!("\n  {}: {}", issue.path.join("."), issue.message))
                .collect();
            InitError::new(format!("the environment document is refused:{}", lines.concat()))
        }
        // The body includes the secrets that were made before the failure: no later call shows
        // them.
        failure => InitError::new(format!(
            "the environment cannot be provisioned: {} {}",
            failure.body(),
            failure.cause().unwrap_or_default()
        )),
    })
}

/// A client of the endpoint at `url`, with the credentials in the environment variables, if set.
fn remote_client(url: &url::Url) -> Result<Client, InitError> {
    let credentials = match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment")
        }
        _ if arguments::is_aws(url) => {
            return Err(InitError::new(
                "AWS needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
            ));
        }
        _ => unchecked_credentials(),
    };
    Ok(dynamodb::client(url.as_str(), region(), credentials))
}

/// Credentials for endpoints that do not check them.
fn unchecked_credentials() -> Credentials {
    Credentials::new("local", "local", None, None, "local")
}

fn region() -> String {
    variable("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this process that reads them")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The one clock of this process.
#[expect(clippy::disallowed_methods, reason = "the seam where time comes in")]
fn clock() -> Timestamp {
    Timestamp::now()
}
