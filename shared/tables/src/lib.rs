//! DynamoDB: one method per access pattern. The only crate that reads and writes tables.
//!
//! Outcomes that a caller tells apart are values; an error means that the question was not
//! answered. Every write that could race carries its condition with it.
//!
//! - [`error`]: why DynamoDB did not answer.
//! - [`client`]: the client, connected before the first request.
//! - [`tables`]: the names of the tables, and the client that reaches them.
//! - [`item`]: sessions as items, both directions side by side.
//! - [`connection_item`]: connections as items.
//! - [`refresh_item`]: what is remembered of their renewal, in the same items.
//! - [`record`]: what an operator set up, and under which keys of the registry table.
//! - [`record_item`]: the same as items.
//! - `assignments`: what an update changes of a connection.
//! - [`connection_list`]: connections, newest first, in pages.
//! - [`metadata`]: the metadata of connections.
//! - [`refreshing`]: the renewal of their credentials: lease, result, and what is due.
//! - [`sessions`], [`registry`], [`connections`]: the questions that are asked of each table.
//! - [`attempts`]: how an attempt to connect ends, in one transaction.
//! - [`oauth_states`]: OAuth flows that are under way.
//! - [`managed_connections`]: connections that a customer's server imports and deletes.
//! - [`events`]: webhooks, and how far their delivery has come.
//! - [`integrations`]: integrations, providers and branch keys.
//! - [`transaction`]: how the registry is written.
//!
//! A future of the SDK holds kilobytes. It is put on the heap where it is made, so that it is not
//! copied into each of the futures around it.

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
pub mod sessions;
pub mod tables;
pub mod transaction;

pub use error::StoreError;
pub use tables::{TableNames, Tables};
