//! `cargo run`: the whole service on this machine.

mod arguments;
mod banner;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use api::settings::Settings;
use api::{App, InitError, Timestamp, telemetry};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use clap::Parser;
use connect::Connect;
use local::dynamodb::{self, Engine};
use local::kms::Kms;
use local::{demo, gateway};
use provision::Failure;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use arguments::Arguments;
use banner::Banner;

/// Many threads allocate here, and would wait for each other's locks in glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long requests in flight have to finish.
const STOP_WITHIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), InitError> {
    let settings = settings()?;
    telemetry::start(&settings.log);
    let listener = bind(arguments.listen).await?;
    let address = listener.local_addr().map_err(|error| InitError::new(error.to_string()))?;
    let document = arguments.environment.as_deref().map(read_document).transpose()?;

    let (engine, client) = if let Some(url) = &arguments.dynamodb {
        (None, remote_client(url)?)
    } else {
        let engine = Engine::start_at(arguments.engine, arguments.data_file()).await?;
        let client = dynamodb::client(&engine.url(), region(), unchecked_credentials());
        (Some(engine), client)
    };
    if !arguments.is_aws() {
        dynamodb::create_tables(&client, &settings).await?;
    }
    if let Some(engine) = &engine {
        engine.sweep_on_a_timer();
    }
    // What tells the embedded engine, or another one, from AWS.
    let endpoint_url = engine.as_ref().map(Engine::url);
    let endpoint_url = endpoint_url.or(arguments.dynamodb.as_ref().map(ToString::to_string));
    let settings = Settings { endpoint_url, ..settings };
    // One app for as long as the process lives, as in a Lambda execution environment.
    let kms = Kms::start(arguments.kms_file().as_deref())
        .await
        .map_err(|error| InitError::new(format!("KMS does not start: {error}")))?;
    let connect = local::connect(settings, client, &kms)?;
    let app = &connect.app;

    let document = match document {
        None if arguments.is_aws() => None,
        None => Some(demo::document(arguments.demo_file().as_deref())?),
        Some(document) => Some(document),
    };
    let report = match &document {
        Some(document) => Some(provision(app, document.clone()).await?),
        None => None,
    };
    Banner { address, data: arguments.describe_data(), document, report }.print();

    let stop = stop_signal()?;
    serve(connect, listener, stop).await?;
    kms.stop().await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    Ok(())
}

/// Serves until a signal; then requests in flight have a while to finish.
async fn serve(
    connect: &'static Connect,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), InitError> {
    let (stopping, mut stopped) = tokio::sync::watch::channel(false);
    let stop = async move {
        stop.await;
        let _ = stopping.send(true);
        eprintln!("stopping: requests in flight finish first");
    };
    let overdue = async {
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(STOP_WITHIN).await;
    };
    tokio::select! {
        served = gateway::serve(connect, listener, clock, stop) => {
            served.map_err(|error| InitError::new(format!("the server failed: {error}")))
        }
        () = overdue => Ok(()),
    }
}

/// Resolves at Ctrl-C or SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, InitError> {
    let problem = |error: std::io::Error| InitError::new(format!("no signal handler: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(problem)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(problem)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// The settings of the functions; those that `template.yaml` always sets have defaults here.
fn settings() -> Result<Settings, InitError> {
    Settings::read(|name| {
        variable(name).or_else(|| match name {
            "SESSIONS_TABLE" => Some("connect-sessions".to_owned()),
            "CONNECTIONS_TABLE" => Some("connect-connections".to_owned()),
            "KMS_KEY_ID" => Some(local::kms::KEY_ID.to_owned()),
            "OUTBOUND_ALLOW" => Some("127.0.0.0/8,::1/128".to_owned()),
            "REGISTRY_TABLE" => Some("connect-registry".to_owned()),
            "CONNECT_UI_URL" => Some("http://localhost:3009".to_owned()),
            // The engine warns of every condition that does not hold, which is no news.
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

/// Applies the document. Everything that is wrong with it is told, with its path.
async fn provision(app: &App, document: Value) -> Result<provision::Report, InitError> {
    provision::apply(app, document, clock()).await.map_err(|failure| match failure {
        Failure::Refused(issues) => {
            let lines: Vec<_> = issues
                .iter()
                .map(|issue| format!("\n  {}: {}", issue.path.join("."), issue.message))
                .collect();
            InitError::new(format!("the environment document is refused:{}", lines.concat()))
        }
        // With the secrets that were made before it stopped: nobody can tell them later.
        failure => InitError::new(format!(
            "the environment cannot be provisioned: {} {}",
            failure.body(),
            failure.cause().unwrap_or_default()
        )),
    })
}

/// A client of another endpoint, with the credentials of the environment if there are any.
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

/// For endpoints that do not look at credentials.
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

impl Arguments {
    /// Where the key of the local KMS is kept.
    fn kms_file(&self) -> Option<PathBuf> {
        (!self.in_memory).then(|| self.data.with_file_name("kms-key"))
    }

    /// Where the demo's document is kept.
    fn demo_file(&self) -> Option<PathBuf> {
        (!self.in_memory).then(|| self.data.with_file_name("demo-environment.json"))
    }
}
