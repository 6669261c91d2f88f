//! Lambda and HTTP: what every function shares between an event and its handler.
//!
//! Each file imports only files below it in this list; a test checks the imports.
//!
//! - [`lambda`]: an event comes in, a handler runs, an answer goes out. The clock is read here.
//! - [`event`]: an API Gateway event as a request, whatever the client sent.
//! - [`auth`]: who is calling, with a secret key or a session token.
//! - [`mint`]: a session is stored and its token answered.
//! - [`session_secrets`]: secrets in a session's defaults, sealed under its token.
//! - [`app`]: what handlers need besides the request.
//! - [`grants`]: what secret keys open, cached.
//! - [`settings`]: every environment variable, read once.
//! - [`request`]: what a request may carry.
//! - [`response`]: how answers are written.
//! - [`telemetry`]: JSON lines; one summary per request.

pub mod app;
pub mod auth;
pub mod event;
pub mod grants;
pub mod lambda;
pub mod mint;
pub mod request;
pub mod response;
pub mod session_secrets;
pub mod settings;
pub mod telemetry;

pub use app::App;
pub use lambda::{InvocationFailure, run, run_alone, run_invocation, run_with};
pub use request::Request;
pub use response::Response;
pub use session::{Error, Timestamp};
pub use settings::InitError;
