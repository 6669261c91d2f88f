//! What the tests share: a world for each test, and the requests of clients.
//!
//! - [`world`]: an engine, its tables, an environment and the service, all in this process.
//! - [`container`]: the state of the service in one container.
//! - [`webhooks`]: a world's webhooks.
//! - [`token_endpoint`]: a token endpoint whose answers a test chooses.
//! - [`wire`]: the connection between service and engine; it counts calls and injects faults.
//! - [`call`]: requests and replies, in process or over HTTP.
//! - [`case`]: the recorded pairs of request and answer.
//! - [`flow`]: the world that the recorded flow cases assume.
//! - [`oauth`]: a browser's side of an OAuth flow.
//! - [`receiver`]: a receiver of webhooks whose answers a test chooses.
//! - [`provider`]: the provider and the receiver of webhooks of that world.
//! - [`leaks`]: searches stored items for secrets.
//! - [`socket`]: a browser's end of a WebSocket.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub mod call;
pub mod case;
pub mod container;
pub mod flow;
pub mod leaks;
pub mod oauth;
pub mod provider;
pub mod receiver;
pub mod socket;
pub mod token_endpoint;
pub mod webhooks;
pub mod wire;
pub mod world;

pub use call::{Call, Reply};
pub use flow::Flow;
pub use oauth::Started;
pub use provider::Provider;
pub use receiver::Receiver;
pub use socket::Socket;
pub use token_endpoint::{TokenEndpoint, TokenReply};
pub use wire::{Fault, Wire};
pub use world::World;
