//! The session logic that every function shares.
//!
//! # Layout, in reading order
//!
//! - [`lambda`]: the seam. A Lambda event comes in, a handler runs, an answer goes out.
//! - [`event`]: an API Gateway event as a request, whatever the client sent.
//! - [`settings`]: every environment variable, read once.
//! - [`telemetry`]: JSON lines; one summary per request.
//! - [`auth`]: who is calling. [`secret_key`] and [`token`] are its two credentials.
//! - [`registry`]: the environments, keys, integrations and connections that an operator set up.
//! - [`request`]: what a request may carry; [`json`]: its body as it was written; [`fields`]: the
//!   cursor that collects every issue.
//! - [`body`]: the JSON bodies of create and reconnect, made of [`end_user`], [`tags`],
//!   [`integration`], [`connection`], [`email`] and [`webhook_url`].
//! - [`session`]: the connect session itself; [`connect_ui`]: how the Connect UI looks.
//! - [`store`]: DynamoDB, one method per access pattern.
//! - [`error`] and [`response`]: every failure of the contract, and how answers are written.
//!
//! "Contract" in these pages is the published wire contract of Nango's connect sessions;
//! `docs/compatibility.md` lists where this project differs from it on purpose.

pub mod auth;
pub mod body;
pub mod connect_ui;
pub mod connection;
pub mod email;
pub mod end_user;
pub mod error;
pub mod event;
pub mod fields;
pub mod integration;
pub mod json;
pub mod lambda;
pub mod registry;
pub mod request;
pub mod response;
pub mod secret_key;
pub mod session;
pub mod settings;
pub mod store;
pub mod tags;
pub mod telemetry;
pub mod token;
pub mod webhook_url;

pub use error::Error;
pub use jiff::Timestamp;
pub use lambda::{App, InitError, run, run_invocation};
pub use request::Request;
pub use response::Response;
