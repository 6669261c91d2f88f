//! HTTPS to hosts that a customer chooses: webhooks, token endpoints, the verification of
//! credentials. None of them can be made to reach the operator's own network (server-side request
//! forgery, CWE-918).
//!
//! - The name is looked up once, every address of the answer is judged, and the socket is opened
//!   to an address that passed. A name that answers differently the next time gains nothing.
//! - Public addresses only, https only. An operator opens more with an [`AllowList`].
//! - Redirects are not followed unless asked for; each is judged like a first request.
//! - The time of a call and the size of its answer are bounded.
//! - One connection a call, closed afterwards. A request on a kept connection that the server has
//!   just closed would have to be sent again, and an authorization code is good for one use.
//! - No variable of the environment is read: no proxy.
//!
//! Files: `client` sends; `request` is what is sent and what comes back; `tls` whom it trusts;
//! `allow` the ranges that an operator opens; `address` which addresses are public; `error` why
//! there is no answer.

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
