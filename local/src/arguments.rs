//! The command line.

#![expect(clippy::doc_markdown, reason = "these comments are the help text")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use local::log::Format;
use url::Url;

/// Serves connect sessions on this machine: the API of template.yaml, with an embedded DynamoDB
/// engine and stand-ins for KMS and SQS.
///
/// The functions read their settings from the environment, as on Lambda: CONNECT_UI_URL,
/// SESSION_TTL_SECONDS, REGISTRY_CACHE_SECONDS, WEBSOCKETS_PATH, OUTBOUND_ALLOW,
/// METRICS_NAMESPACE, RUST_LOG, and the names of the tables: SESSIONS_TABLE, REGISTRY_TABLE,
/// CONNECTIONS_TABLE, EVENTS_TABLE. README.md says what each means.
#[derive(Debug, Parser)]
#[command(name = "local", version, max_term_width = 100)]
pub struct Arguments {
    /// Where to listen; port 0 takes a free port
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3003")]
    pub listen: SocketAddr,

    /// The file that keeps the data across restarts
    #[arg(long, value_name = "FILE", default_value = ".local/tables.db")]
    #[arg(conflicts_with_all = ["in_memory", "dynamodb"])]
    pub data: PathBuf,

    /// Keep the data in memory only, so that it is lost when the process ends
    #[arg(long, conflicts_with = "dynamodb")]
    pub in_memory: bool,

    /// Where the DynamoDB engine listens, for functions that run elsewhere, such as under sam
    /// local; port 0 takes a free port
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    #[arg(conflicts_with = "dynamodb")]
    pub engine: SocketAddr,

    /// Apply this environment document (JSON, see docs/provisioning.md) before serving, in place of
    /// the demo environment
    #[arg(long, value_name = "FILE")]
    pub environment: Option<PathBuf>,

    /// Use another DynamoDB-compatible endpoint instead of the engine, or AWS itself
    /// (https://dynamodb.<region>.amazonaws.com), whose tables must exist; AWS_REGION and AWS
    /// credentials come from the environment
    #[arg(long, value_name = "URL")]
    pub dynamodb: Option<Url>,

    /// The format of the log on standard error. By default it is pretty on a terminal, coloured
    /// unless NO_COLOR is set, and json elsewhere
    #[arg(long, value_enum)]
    pub log: Option<Format>,

    /// How long requests in flight may take after Ctrl-C or SIGTERM, in seconds. Requests that are
    /// not finished by then, or at a second signal, are cut off, and the exit status is 3
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub stop_within: u32,
}

impl Arguments {
    /// The file in which the engine keeps its data; `None` if it keeps them in memory.
    pub fn data_file(&self) -> Option<&Path> {
        (!self.in_memory).then_some(self.data.as_path())
    }

    /// The file of the local KMS's key; `None` if it is in memory.
    pub fn kms_file(&self) -> Option<PathBuf> {
        (!self.in_memory).then(|| self.data.with_file_name("kms-key"))
    }

    /// The file of the demo's environment document; `None` if it is in memory.
    pub fn demo_file(&self) -> Option<PathBuf> {
        (!self.in_memory).then(|| self.data.with_file_name("demo-environment.json"))
    }

    /// Whether the tables are on AWS. If so, nothing is created there unasked.
    pub fn is_aws(&self) -> bool {
        self.dynamodb.as_ref().is_some_and(is_aws)
    }

    /// Where the data is, for the banner.
    pub fn describe_data(&self) -> String {
        match &self.dynamodb {
            Some(url) => url.to_string(),
            None if self.in_memory => "in memory, gone when the process ends".to_owned(),
            None => self.data.display().to_string(),
        }
    }
}

/// Whether a URL is an endpoint of AWS.
pub fn is_aws(url: &Url) -> bool {
    url.host_str()
        .is_some_and(|host| host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"))
}
