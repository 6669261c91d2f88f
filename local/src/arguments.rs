//! The command line.

#![expect(clippy::doc_markdown, reason = "these comments are the help text")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use local::log::Format;
use url::Url;

/// Serves connect sessions on this machine: the API of template.yaml, with an embedded DynamoDB
/// engine.
///
/// The settings of the functions come from the environment, as on Lambda: CONNECT_UI_URL,
/// SESSION_TTL_SECONDS, REGISTRY_CACHE_SECONDS, WEBSOCKETS_PATH, METRICS_NAMESPACE,
/// SESSIONS_TABLE, REGISTRY_TABLE, RUST_LOG.
#[derive(Debug, Parser)]
#[command(name = "local", version, max_term_width = 100)]
pub struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3003")]
    pub listen: SocketAddr,

    /// The file that keeps the data across restarts
    #[arg(long, value_name = "FILE", default_value = ".local/tables.db")]
    #[arg(conflicts_with_all = ["in_memory", "dynamodb"])]
    pub data: PathBuf,

    /// Keep the data in memory only: it is gone when the process ends
    #[arg(long, conflicts_with = "dynamodb")]
    pub in_memory: bool,

    /// Where the engine listens, for functions that run elsewhere, as under sam local; port 0 takes
    /// a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    #[arg(conflicts_with = "dynamodb")]
    pub engine: SocketAddr,

    /// Apply this environment document (JSON) before serving, in place of the demo environment
    #[arg(long, value_name = "FILE")]
    pub environment: Option<PathBuf>,

    /// Use another DynamoDB-compatible endpoint, or AWS itself
    /// (https://dynamodb.<region>.amazonaws.com, whose tables must exist), instead of the engine;
    /// AWS_REGION and AWS credentials come from the environment
    #[arg(long, value_name = "URL")]
    pub dynamodb: Option<Url>,

    /// How lines on standard error look: short or, as on Lambda, JSON. By default a terminal gets
    /// the short ones, coloured unless NO_COLOR is set
    #[arg(long, value_enum)]
    pub log: Option<Format>,

    /// How long requests in flight may take after Ctrl-C or SIGTERM, in seconds. What is not
    /// finished then, or at a second signal, is cut off, and the exit status is 3
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub stop_within: u32,
}

impl Arguments {
    /// Where the engine keeps its data, if in a file.
    pub fn data_file(&self) -> Option<&Path> {
        (!self.in_memory).then_some(self.data.as_path())
    }

    /// Where the key of the local KMS is kept.
    pub fn kms_file(&self) -> Option<PathBuf> {
        (!self.in_memory).then(|| self.data.with_file_name("kms-key"))
    }

    /// Where the demo's document is kept.
    pub fn demo_file(&self) -> Option<PathBuf> {
        (!self.in_memory).then(|| self.data.with_file_name("demo-environment.json"))
    }

    /// Whether the tables are AWS's: then nothing is made that was not asked for.
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
