//! DynamoDB, with one method per access pattern. Only this crate reads and writes tables.
//!
//! Outcomes that callers distinguish are values; an error means that DynamoDB did not answer. Every
//! write that could race carries its condition.
//!
//! - [`error`]: why DynamoDB did not answer.
//! - [`client`]: the client, connected before the first request.
//! - [`tables`]: the names of the tables, and the client that reaches them.
//! - [`item`]: what items are made of.
//! - [`session_item`]: sessions as items.
//! - [`connection_item`]: connections as items.
//! - [`refresh_item`]: the state of their refreshing, in the same items.
//! - [`record`]: the records of the registry table, and their keys.
//! - [`record_item`]: those records as items.
//! - `assignments`: the update expression of a change to a connection.
//! - [`connection_list`]: lists connections, newest first, in pages.
//! - [`metadata`]: the metadata of connections.
//! - [`refreshing`]: the renewal of credentials: lease, result, failure, and what is due.
//! - [`sessions`], [`registry`], [`connections`]: reads and writes of each table.
//! - [`attempts`]: the end of an attempt to connect, in one transaction.
//! - [`oauth_states`]: OAuth flows in progress.
//! - [`managed_connections`]: connections that a customer's server imports and deletes.
//! - [`events`]: webhooks, and the state of their delivery.
//! - [`integrations`]: integrations, providers and branch keys.
//! - [`transaction`]: writes to the registry.
//!
//! A future of the SDK has kilobytes. It is boxed where it is made, so that it is not copied into
//! each of the futures around it.

mod assignments;
pub mod attempts;
pub mod client;
pub mod connection_item;
pub mod connection_list;
pub mod connections;
pub mod error;
pub mod events;
pub mod integrations;
pub mod item;
pub mod managed_connections;
pub mod metadata;
pub mod oauth_states;
pub mod record;
pub mod record_item;
pub mod refresh_item;
pub mod refreshing;
pub mod registry;
pub mod session_item;
pub mod sessions;
pub mod tables;
pub mod transaction;

pub use error::StoreError;
pub use tables::{TableNames, Tables};
