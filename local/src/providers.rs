//! Demo providers: providers that a user can connect on this machine without an account anywhere,
//! one for each outcome that is worth seeing. They listen on a loopback port of their own, because
//! a real provider has a host of its own. Only `cargo run` has them.
//!
//! - [`catalogue`]: the providers, as an environment document defines them.
//! - `consent`: the page that asks the user, and the browser's way back.
//! - `token`: the token endpoint, revocation, and the API behind the tokens.
//! - `grants`: the issued codes and tokens.

pub mod catalogue;
mod consent;
mod grants;
mod token;

use std::io::Result;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde_json::Value;

use crate::server::{ANY_PORT, Server};
use grants::Grants;

/// The demo providers.
pub struct Providers {
    /// Where they listen.
    pub address: SocketAddr,
    /// The server that answers there.
    pub server: Server,
}

impl Providers {
    /// Starts them on a free port of the loopback interface. Refresh tokens of an earlier start
    /// still work.
    pub async fn start() -> Result<Self> {
        let service = Router::new()
            .route("/{provider}/authorize", get(consent::ask).post(consent::decide))
            .route("/{provider}/token", post(token::token))
            .route("/{provider}/revoke", post(token::revoke))
            .route("/{provider}/me", get(token::me))
            .with_state(Arc::new(Grants::default()));
        let (address, server) = Server::http("the demo providers", ANY_PORT, service).await?;
        Ok(Self { address, server })
    }

    /// Where they listen, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds them to the environment `demo` of a document, each with an integration. They replace
    /// those of an earlier start, whose port was another.
    pub fn add_to(&self, document: &mut Value) {
        let url = self.url();
        let environments = document["environments"].as_array_mut();
        for environment in environments.into_iter().flatten() {
            if environment["name"] == "demo" {
                replace(&mut environment["providers"], "name", catalogue::providers(&url));
                replace(&mut environment["integrations"], "unique_key", catalogue::integrations());
            }
        }
    }
}

/// Adds items to a list, replacing those with the same value of `key`.
fn replace(list: &mut Value, key: &str, items: Vec<Value>) {
    let mut kept = list.as_array().cloned().unwrap_or_default();
    kept.retain(|old| items.iter().all(|item| item[key] != old[key]));
    *list = Value::Array(items.into_iter().chain(kept).collect());
}
