//! How an end user connects an account, as far as it needs neither KMS nor a call to a provider:
//! the attempt, the provider's template, and both ends of an OAuth flow.
//!
//! Each file imports only files below it in this list.
//!
//! - [`attempt`]: an end user connects an integration with a session.
//! - [`parameters`]: the query and the path of the connect endpoints.
//! - [`secrets`]: what an OAuth flow keeps secret while the user is at the provider.
//! - [`overrides`]: what a session says in place of the integration's client.
//! - [`cookie`]: the cookie that binds a flow to a browser.
//! - [`page`]: the page at the end of a flow.
//! - [`words`]: what people read on it.
//! - [`messages`]: what a waiting websocket client is told.
//! - [`failure`]: why a flow fails.
//! - [`form`]: parameters in one order.
//! - [`variables`]: the variables of a provider's template.
//! - [`providers`]: the provider of an integration.

pub mod attempt;
pub mod cookie;
pub mod failure;
pub mod form;
pub mod messages;
pub mod overrides;
pub mod page;
pub mod parameters;
pub mod providers;
pub mod secrets;
pub mod variables;
pub mod words;
