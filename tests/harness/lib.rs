//! What the tests share: a world of its own for each test, and the calls that a client makes.
//!
//! - [`world`]: an engine, its tables, an environment and the service on top, in this process.
//! - [`container`]: that service, as a container has it.
//! - [`webhooks`]: a world's webhooks.
//! - [`token_endpoint`]: a token endpoint whose answers a test chooses.
//! - [`wire`]: the connection between service and engine; it counts, and it can be broken.
//! - [`call`]: requests and replies, in process or to any URL.
//! - [`case`]: the recorded request and answer pairs.
//! - [`flow`]: a world as the recorded flow cases assume it.
//! - [`oauth`]: a browser's side of an OAuth flow.
//! - [`receiver`]: a receiver of webhooks that answers as it is told.
//! - [`provider`]: the provider and the receiver of webhooks behind it.
//! - [`leaks`]: looks for secrets in what is stored.
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
