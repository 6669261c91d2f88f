//! The nouns of the wire contract and the session logic: no AWS, no HTTP, no waiting.
//!
//! A file imports only from the folders above its own in this list, and no two files import each
//! other; a test checks the imports.
//!
//! Folder `input`, what a client sent:
//! - [`json`] reads JSON as it was written.
//! - [`fields`] reads an object; `issues` are what is wrong with it, each with its path.
//! - [`query`] reads a query string with nested names.
//! - [`email`] judges an address.
//! - [`date`] reads a moment.
//!
//! [`error`] is every failure of the contract, with its code and sentence.
//!
//! Folder `environments`, what an operator sets up:
//! - [`connect_ui`]: how the Connect UI looks.
//! - [`integration`]: an account that can be connected, and what a session says about it.
//! - [`provider`]: whose API an integration connects to, and how.
//! - [`secret_key`]: the credential of a customer's server, and its scopes.
//! - [`webhooks`]: where an environment's webhooks go, and which.
//! - [`environment`]: the tenant, to which all of these belong.
//!
//! Folder `connections`, what a session makes:
//! - [`connection`]: the account that was connected, and its id.
//! - [`end_user`]: whose account it is.
//! - [`tags`]: what the customer attached.
//! - [`refresh`]: when its credentials are renewed.
//! - [`public_connection`]: the connection as its customer reads it.
//! - [`webhook_url`]: where its webhooks go.
//! - [`auth_event`]: what a customer's server is told of it.
//! - [`event`]: that, for one receiver.
//!
//! Folder `sessions`, the session itself:
//! - [`token`]: its credential.
//! - [`body`]: what create and reconnect send.
//! - [`session_tags`]: how the tags of a session are merged.
//! - [`oauth_flow`]: an OAuth flow between its start and its callback; how attempts ended.
//! - [`connect_session`]: what the token stands for.
//!
//! "Contract" in these pages is the published wire contract of Nango's connect sessions, written
//! down in `docs/contract.md`, and "the flow" is the second part of that file: what consumes a
//! session. `docs/compatibility.md` lists where this project differs from it on purpose.

pub mod error;

mod input {
    pub mod date;
    pub mod email;
    pub mod fields;
    pub mod issues;
    pub mod json;
    pub mod query;
}

mod environments {
    pub mod connect_ui;
    pub mod environment;
    pub mod integration;
    pub mod provider;
    pub mod secret_key;
    pub mod webhooks;
}

mod connections {
    pub mod auth_event;
    pub mod connection;
    pub mod end_user;
    pub mod event;
    pub mod public_connection;
    pub mod refresh;
    pub mod tags;
    pub mod webhook_url;
}

mod sessions {
    pub mod body;
    pub mod connect_session;
    pub mod oauth_flow;
    pub mod session_tags;
    pub mod token;
}

pub use connections::{
    auth_event, connection, end_user, event, public_connection, refresh, tags, webhook_url,
};
pub use environments::{connect_ui, environment, integration, provider, secret_key, webhooks};
pub use error::Error;
pub use input::{date, email, fields, json, query};
pub use jiff::Timestamp;
pub use sessions::{body, connect_session, oauth_flow, session_tags, token};
pub use uuid::Uuid;
