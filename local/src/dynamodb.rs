//! DynamoDB on this machine: the engine, the tables of `template.yaml`, and their TTL.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use api::InitError;
use api::settings::Settings;
use api::telemetry::CountCalls;
use aws::{Region, Roots, Waits};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    TimeToLiveSpecification,
};
use dynoxide::Database;
use tables::client;
use tokio::net::TcpListener;

use crate::server::Server;

/// How often expired items are deleted. AWS takes up to days; nothing depends on it.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// A free port of the loopback interface.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An engine that serves DynamoDB's API, on a free loopback port or at an address.
pub struct Engine {
    /// Where it listens.
    pub address: SocketAddr,
    /// The database itself, for what DynamoDB does on its own: deleting expired items.
    pub database: Database,
    /// What answers there.
    pub server: Server,
    /// Held for as long as the engine runs.
    _lock: Option<File>,
}

impl Engine {
    /// An engine whose data lives in `file`, or in memory.
    pub async fn start(file: Option<&Path>) -> Result<Self, InitError> {
        Self::start_at(ANY_PORT, file).await
    }

    /// An engine that listens at `address`.
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

    /// Deletes expired items from now on, as DynamoDB does.
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

/// Keeps a second process away from the file: the engine is the only one that may write it.
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

/// A client of the engine, or of another endpoint that does not look at credentials.
pub fn client(url: &str, region: String, credentials: Credentials) -> Client {
    waiting(Waits::REQUEST, url, region, credentials)
}

/// A client that waits as long for an answer as functions do that nobody waits for.
pub fn patient_client(url: &str, region: String, credentials: Credentials) -> Client {
    waiting(Waits::INVOCATION, url, region, credentials)
}

fn waiting(waits: Waits, url: &str, region: String, credentials: Credentials) -> Client {
    let config = aws::config(Roots::Native, waits, Region::new(region), credentials);
    client::client(&config, Some(url.to_owned()), CountCalls::DynamoDb)
}

/// Makes the tables that are missing, with TTL on.
pub async fn create_tables(client: &Client, settings: &Settings) -> Result<(), InitError> {
    let sessions = [("token_hash", ScalarAttributeType::B, KeyType::Hash)];
    let registry = [
        ("pk", ScalarAttributeType::S, KeyType::Hash),
        ("sk", ScalarAttributeType::S, KeyType::Range),
    ];
    let names = &settings.tables;
    create_table(client, &names.registry, &registry, &[], false).await?;
    create_table(client, &names.sessions, &sessions, &[], false).await?;
    create_table(client, &names.connections, &registry, &CONNECTION_INDEXES, false).await?;
    create_table(client, &names.events, &registry, &[], true).await?;
    turn_on_ttl(client, &names.sessions).await?;
    turn_on_ttl(client, &names.events).await
}

async fn turn_on_ttl(client: &Client, table: &str) -> Result<(), InitError> {
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("ttl")
        .enabled(true)
        .build()
        .map_err(|error| InitError::new(error.to_string()))?;
    let ttl =
        client.update_time_to_live().table_name(table).time_to_live_specification(ttl).send().await;
    match ttl.map_err(aws_sdk_dynamodb::Error::from) {
        Ok(_) => Ok(()),
        // TTL is on already.
        Err(error) if error.to_string().contains("ValidationException") => Ok(()),
        Err(error) => Err(InitError::new(format!(
            "TTL of table {table} cannot be turned on: {}",
            error.code().unwrap_or("no answer")
        ))),
    }
}

/// The indexes of the connections table: name, partition key, sort key, what they hold.
const CONNECTION_INDEXES: [(&str, &str, &str, ProjectionType); 3] = [
    ("by-created", "pk", "created_sk", ProjectionType::All),
    ("by-end-user", "end_user_pk", "created_sk", ProjectionType::All),
    ("by-refresh-due", "refresh_shard", "refresh_due_at", ProjectionType::KeysOnly),
];

async fn create_table(
    client: &Client,
    name: &str,
    key: &[(&str, ScalarAttributeType, KeyType)],
    indexes: &[(&str, &str, &str, ProjectionType)],
    has_stream: bool,
) -> Result<(), InitError> {
    let problem = |error: BuildError| InitError::new(error.to_string());
    let element = |attribute: &str, role: KeyType| {
        let element = KeySchemaElement::builder().attribute_name(attribute).key_type(role);
        element.build().map_err(problem)
    };
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    if has_stream {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewImage);
        request = request.stream_specification(stream.build().map_err(problem)?);
    }
    let mut attributes: BTreeMap<&str, ScalarAttributeType> = BTreeMap::new();
    for (attribute, kind, role) in key {
        attributes.insert(attribute, kind.clone());
        request = request.key_schema(element(attribute, role.clone())?);
    }
    for (index, partition, sort, projection) in indexes {
        attributes.extend([partition, sort].map(|name| (*name, ScalarAttributeType::S)));
        let index = GlobalSecondaryIndex::builder()
            .index_name(*index)
            .key_schema(element(partition, KeyType::Hash)?)
            .key_schema(element(sort, KeyType::Range)?)
            .projection(Projection::builder().projection_type(projection.clone()).build());
        request = request.global_secondary_indexes(index.build().map_err(problem)?);
    }
    for (attribute, kind) in attributes {
        let definition =
            AttributeDefinition::builder().attribute_name(attribute).attribute_type(kind);
        request = request.attribute_definitions(definition.build().map_err(problem)?);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(InitError::new(format!(
            "table {name} cannot be created: {}",
            error.code().unwrap_or("DynamoDB does not answer; is the URL of --dynamodb right?")
        ))),
    }
}
