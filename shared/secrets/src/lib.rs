//! Secrets as the tables keep them: sealed before they are written, opened where they are read.
//! Nobody outside is called for that, so functions that do no more than this link no HTTP client.
//!
//! Each file imports only files below it in this list.
//!
//! - [`clients`]: the OAuth client of an integration.
//! - [`credentials`]: credentials of connections.
//! - [`secrets`]: the secrets of an environment, and those that an operator gave.
//! - [`state`]: the state of functions that do this: DynamoDB and KMS.

pub mod clients;
pub mod credentials;
pub mod secrets;
pub mod state;

pub use secrets::Secrets;
pub use state::AppWithVault;
