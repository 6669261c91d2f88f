//! What it takes to make a connection and to open one: the provider's template, its token endpoint,
//! sealed credentials.
//!
//! Each file imports only files below it in this list.
//!
//! - [`attempt`]: an end user connects an integration with a session.
//! - [`tokens`]: tokens that a provider makes of credentials.
//! - [`verification`]: credentials are tried before they are saved.
//! - [`signed_tokens`]: tokens and signatures that are made here.
//! - [`clients`]: the OAuth client of an integration.
//! - [`secrets`]: secrets that an operator gave, opened.
//! - [`credentials`]: credentials of connections, sealed and opened.
//! - [`connect`]: the state of functions that do this: DynamoDB, KMS and the outside.
//! - [`variables`]: the variables of a provider's template.
//! - [`headers`]: headers of requests to providers.
//! - [`moments`]: lifetimes and moments of tokens.
//! - [`providers`]: the provider of an integration.

pub mod attempt;
pub mod clients;
pub mod connect;
pub mod credentials;
pub mod headers;
pub mod moments;
pub mod providers;
pub mod secrets;
pub mod signed_tokens;
pub mod tokens;
pub mod variables;
pub mod verification;

pub use connect::Connect;
