//! Makes connections and renews their credentials: token requests, verification, saving,
//! revocation.
//!
//! Each file imports only files below it in this list.
//!
//! - [`credentials`]: valid credentials, stored or renewed, with one renewal at a time.
//! - [`refreshed`]: the end of a renewal: its result or its failure is written.
//! - [`refresh`]: a request for valid credentials, and its outcome.
//! - [`saving`]: saves a connection together with the outcome of the attempt that made it.
//! - [`revocation`]: asks a provider to revoke tokens that are no longer needed.
//! - [`announcing`]: the webhooks about the outcome of an attempt.
//! - [`keepalive`]: when an idle grant is renewed.
//! - [`renewal`]: gets new credentials with old ones.
//! - [`tokens`]: gets tokens with credentials, without the end user.
//! - [`token_failure`]: why a provider issued no token.
//! - [`token_request`]: a request to a token endpoint.
//! - [`token_answer`]: its answer, in the forms that real providers use.
//! - [`verification`]: tries credentials before they are saved.
//! - [`signed_tokens`]: tokens and signatures that are made locally.
//! - [`connect`]: the state of functions that use this crate: DynamoDB, KMS and the client for
//!   providers.
//! - [`headers`]: headers of requests to providers.
//! - [`moments`]: lifetimes and expiry times of tokens.

pub mod announcing;
pub mod connect;
pub mod credentials;
pub mod headers;
pub mod keepalive;
pub mod moments;
pub mod refresh;
pub mod refreshed;
pub mod renewal;
pub mod revocation;
pub mod saving;
pub mod signed_tokens;
pub mod token_answer;
pub mod token_failure;
pub mod token_request;
pub mod tokens;
pub mod verification;

pub use connect::Connect;
