//! What it takes to make a connection and to keep its credentials good: the provider's token
//! endpoint, checks, and what is saved.
//!
//! Each file imports only files below it in this list.
//!
//! - [`credentials`]: credentials that work, stored or renewed, one renewal at a time.
//! - [`refreshed`]: the end of a renewal, written and answered.
//! - [`refresh`]: a request for such credentials, and what comes of it.
//! - [`saving`]: a connection is saved with the outcome of the attempt that made it.
//! - [`revocation`]: a provider is told that tokens are no longer needed.
//! - [`announcing`]: the webhooks that tell how an attempt ended.
//! - [`keepalive`]: when a grant that nobody uses is renewed.
//! - [`renewal`]: new credentials in place of old ones.
//! - [`tokens`]: tokens that a provider makes of credentials.
//! - [`token_failure`]: why they make none.
//! - [`token_request`]: a request to a token endpoint.
//! - [`token_answer`]: what it answers, as real providers write it.
//! - [`verification`]: credentials are tried before they are saved.
//! - [`signed_tokens`]: tokens and signatures that are made here.
//! - [`connect`]: the state of functions that do this: DynamoDB, KMS and the outside.
//! - [`headers`]: headers of requests to providers.
//! - [`moments`]: lifetimes and moments of tokens.

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
