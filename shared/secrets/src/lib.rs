//! Secrets in the tables: sealed when they are written, opened when they are read. Functions that
//! need no more than this crate call no provider, and link no HTTP client for that.
//!
//! Each file imports only files below it in this list.
//!
//! - [`clients`]: the OAuth client of an integration.
//! - [`credentials`]: credentials of connections.
//! - [`secrets`]: the branch keys of an environment, and secrets that an operator gave.
//! - [`state`]: the state of functions that use this crate: DynamoDB and KMS.

pub mod clients;
pub mod credentials;
pub mod secrets;
pub mod state;

pub use secrets::Secrets;
pub use state::AppWithVault;
