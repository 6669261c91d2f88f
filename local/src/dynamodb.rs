//! DynamoDB on this machine: the engine, the tables of `template.yaml`, and their TTL.

mod in_process;
mod tables;

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ::tables::client;
use api::InitError;
use api::telemetry::CountCalls;
use aws::{Region, Roots, Waits};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, Credentials, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use dynoxide::Database;
use tokio::net::TcpListener;

use crate::server::{ANY_PORT, Server};

use in_process::InProcess;

pub use tables::create_tables;

/// How often expired items are deleted. AWS takes up to days; nothing depends on it.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// An engine that serves DynamoDB's API.
pub struct Engine {
    /// Where it listens.
    pub address: SocketAddr,
    /// The database itself, for what needs no API: deleting expired items, and the stream.
    pub database: Database,
    /// The server that answers there.
    pub server: Server,
    /// Held as long as the engine runs.
    _lock: Option<File>,
}

impl Engine {
    /// An engine on a free port of the loopback interface, whose data is in `file` or in memory.
    pub async fn start(file: Option<&Path>) -> Result<Self, InitError> {
        Self::start_at(ANY_PORT, file).await
    }

    /// As [`start`](Self::start), but listening at `address`.
    pub async fn start_at(address: SocketAddr, file: Option<&Path>) -> Result<Self, InitError> {
        let (database, lock) = match file {
            None => (Database::memory().map_err(|error| InitError::new(error.to_string()))?, None),
            Some(file) => {
                make_folder(file)?;
                let lock = lock(file)?;
                (open(file)?, Some(lock))
            }
        };
        let engine = Self::serve_at(address, database).await.map_err(|error| {
            InitError::new(format!("the DynamoDB engine does not start on {address}: {error}"))
        })?;
        Ok(Self { _lock: lock, ..engine })
    }

    /// Serves a database.
    pub async fn serve(database: Database) -> std::io::Result<Self> {
        Self::serve_at(ANY_PORT, database).await
    }

    async fn serve_at(address: SocketAddr, database: Database) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let store = database.clone();
        let server = Server::start("the DynamoDB engine", |stop| {
            dynoxide::server::serve_with_shutdown(listener, store, stop)
        });
        Ok(Self { address, database, server, _lock: None })
    }

    /// The endpoint's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that calls the database in this process, without a connection. It needs no
    /// signatures, and neither timeouts nor retries, because whatever fails here would fail again.
    pub fn client(&self) -> Client {
        let connector = SharedHttpConnector::new(InProcess::new(self.database.clone()));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("local"))
            .endpoint_url(self.url())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .allow_no_auth()
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .interceptor(CountCalls::DynamoDb)
            .build();
        Client::from_conf(config)
    }

    /// Deletes expired items at intervals from now on, as DynamoDB does.
    pub fn sweep_on_a_timer(&self) {
        let database = self.database.clone();
        tokio::spawn(async move {
            let mut timer = tokio::time::interval(SWEEP_EVERY);
            loop {
                timer.tick().await;
                let database = database.clone();
                let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
                match swept {
                    Ok(Ok(0)) | Err(_) => {}
                    Ok(Ok(deleted)) => tracing::info!(deleted, "expired items deleted"),
                    Ok(Err(error)) => tracing::warn!(%error, "expired items not deleted"),
                }
            }
        });
    }
}

fn make_folder(file: &Path) -> Result<(), InitError> {
    let Some(folder) = file.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| {
        InitError::new(format!("the folder {} cannot be created: {error}", folder.display()))
    })
}

fn open(file: &Path) -> Result<Database, InitError> {
    let problem = |error: String| {
        InitError::new(format!("the data file {} cannot be opened: {error}", file.display()))
    };
    let path = file.to_str().ok_or_else(|| problem("its name is not Unicode".to_owned()))?;
    Database::new(path).map_err(|error| problem(error.to_string()))
}

/// Locks the data file, which only one engine may write.
fn lock(file: &Path) -> Result<File, InitError> {
    let lock = file.with_extension("lock");
    let opened = File::create(&lock).map_err(|error| {
        InitError::new(format!("the lock file {} cannot be created: {error}", lock.display()))
    })?;
    opened.try_lock().map_err(|_| {
        InitError::new(format!(
            "the data file {} is in use by another process; choose another with --data",
            file.display()
        ))
    })?;
    Ok(opened)
}

/// A DynamoDB client with the timeouts of functions that answer HTTP requests.
pub fn client(url: &str, region: String, credentials: Credentials) -> Client {
    waiting(Waits::REQUEST, url, region, credentials)
}

/// A DynamoDB client with the timeouts of the other functions.
pub fn patient_client(url: &str, region: String, credentials: Credentials) -> Client {
    waiting(Waits::INVOCATION, url, region, credentials)
}

fn waiting(waits: Waits, url: &str, region: String, credentials: Credentials) -> Client {
    let config = aws::config(Roots::Native, waits, Region::new(region), credentials);
    client::client(&config, Some(url.to_owned()), CountCalls::DynamoDb)
}
