//! The parts of connecting an account that need neither KMS nor a call to a provider: the attempt,
//! the provider's template, and both ends of an OAuth flow.
//!
//! Each file imports only files below it in this list.
//!
//! - [`attempt`]: an end user connects an integration with a session.
//! - [`parameters`]: the query and the path of the connect endpoints.
//! - [`secrets`]: the secrets of an OAuth flow while the user is at the provider.
//! - [`overrides`]: OAuth client and refresh token that replace the usual ones.
//! - [`cookie`]: the cookie that binds a flow to a browser.
//! - [`page`]: the page at the end of a flow.
//! - [`words`]: the texts on that page.
//! - [`messages`]: messages to the websocket client that waits for a flow.
//! - [`failure`]: why a flow fails.
//! - [`form`]: ordered parameters.
//! - [`variables`]: the variables of a provider's template.
//! - [`providers`]: finds the provider of an integration.

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
