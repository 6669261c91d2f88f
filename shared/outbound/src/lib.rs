//! HTTPS to hosts that a customer chooses, for webhooks, token endpoints and the verification of
//! credentials. No such call can reach the operator's own network (server-side request forgery,
//! CWE-918).
//!
//! - The name is resolved once, every address in the answer is checked, and the socket is opened to
//!   an address that passed. A name that resolves differently the next time gains nothing.
//! - Only public addresses and https are allowed. An operator opens more with an [`AllowList`].
//! - Redirects are followed only if the request asks for it; each is checked like a first request.
//! - The time of a call and the size of its answer are limited.
//! - Each call has its own connection. If the server has just closed a kept-alive connection, the
//!   request would have to be sent again, but an authorization code works only once.
//! - No environment variable is read, so there is no proxy.
//!
//! Files: `client` sends; `request` has the request and its answer; `tls` the trusted certificates;
//! `allow` the ranges that an operator opens; `address` the ranges that are not public; `error` why
//! a call has no answer.

mod address;
mod allow;
mod client;
mod error;
mod request;
mod tls;

pub use address::RefusedAddress;
pub use allow::AllowList;
pub use client::{Lookup, Outbound, system_lookup};
pub use error::Error;
pub use request::{Answer, Request};
pub use rustls::RootCertStore;
pub use rustls::pki_types::CertificateDer;
pub use tls::public_roots;
