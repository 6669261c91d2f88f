//! The nouns of the wire contract and the session logic, without AWS, HTTP and async.
//!
//! A file imports only from the folders above its own in this list, and no two files import each
//! other; a test checks the imports.
//!
//! Folder `input`, for what a client sent:
//! - [`json`] reads JSON as it was written.
//! - [`fields`] reads objects; `issues` collects their issues, each with its path.
//! - [`query`] reads query strings with nested names.
//! - [`email`] checks e-mail addresses.
//! - [`date`] reads dates.
//!
//! [`error`] has every error of the contract, with its code and message.
//!
//! Folder `environments`, for what an operator sets up:
//! - [`connect_ui`]: the look of the Connect UI.
//! - [`integration`]: an account that can be connected, and a session's settings for it.
//! - [`provider`]: the API of an integration, and how accounts there are connected.
//! - [`secret_key`]: the credential of a customer's server, and its scopes.
//! - [`webhooks`]: the webhook settings of an environment.
//! - [`environment`]: the tenant, to which all of these belong.
//!
//! Folder `connections`, for what a session makes:
//! - [`connection`]: the account that was connected, and its id.
//! - [`end_user`]: the person who connected it.
//! - [`tags`]: labels that the customer attached.
//! - [`refresh`]: when its credentials are renewed.
//! - [`public_connection`]: the connection in the form that customers read.
//! - [`webhook_url`]: the receiver of its webhooks.
//! - [`auth_event`]: the webhooks about it.
//! - [`event`]: one webhook for one receiver.
//!
//! Folder `sessions`, for the session itself:
//! - [`token`]: its credential.
//! - [`body`]: the bodies of create and reconnect.
//! - [`session_tags`]: how the tags of a session are merged.
//! - [`oauth_flow`]: an OAuth flow between its start and its callback, and outcomes of attempts.
//! - [`connect_session`]: the session.
//!
//! In this documentation, "contract" is the wire contract of Nango's connect sessions in
//! `docs/contract.md`, and "the flow" is the second part of that file, about the endpoints that use
//! a session. `docs/compatibility.md` lists where this project differs on purpose.

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
