//! KMS on this machine: one key and the two operations that the service calls, `Decrypt` and
//! `GenerateDataKeyWithoutPlaintext`, in KMS's protocol (`awsJson1_1`) and with its errors
//! (<https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html>).

mod key;
mod protocol;

use std::io::Result;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use api::telemetry::CountCalls;
use aws::{Region, Roots, Waits};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Credentials;
use axum::Router;

use crate::server::{ANY_PORT, Server};
use key::Key;

/// The alias of the key. It is the same for every key file, so a configuration can name it.
pub const KEY_ID: &str = key::ALIAS;

/// An endpoint that speaks KMS's protocol.
pub struct Kms {
    /// Where it listens.
    pub address: SocketAddr,
    /// The server that answers there.
    pub server: Server,
    key: Arc<Key>,
}

impl Kms {
    /// An endpoint on a free port of the loopback interface. Its key is kept in `file`, which the
    /// first start creates, readable by its owner only; without a file it is kept in memory.
    pub async fn start(file: Option<&Path>) -> Result<Self> {
        Self::start_at(ANY_PORT, file).await
    }

    /// As [`start`](Self::start), but listening at `address`.
    pub async fn start_at(address: SocketAddr, file: Option<&Path>) -> Result<Self> {
        let key = Arc::new(match file {
            Some(file) => Key::in_file(file)?,
            None => Key::generate()?,
        });
        let service = Router::new().fallback(protocol::answer).with_state(Arc::clone(&key));
        let (address, server) = Server::http("KMS", address, service).await?;
        Ok(Self { address, server, key })
    }

    /// The endpoint's URL (`AWS_ENDPOINT_URL_KMS`).
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Disables the key, as `DisableKey` does: every use of it is refused.
    pub fn disable_key(&self) {
        self.key.set_enabled(false);
    }

    /// Enables the key again, as `EnableKey` does.
    pub fn enable_key(&self) {
        self.key.set_enabled(true);
    }
}

/// A client of the KMS endpoint at `url`.
pub fn client(url: &str, region: String, credentials: Credentials) -> Client {
    let config = aws::config(Roots::Native, Waits::REQUEST, Region::new(region), credentials);
    vault::client(&config, Some(url.to_owned()), CountCalls::Kms)
}
