//! Lambda and HTTP: everything that functions share between an event and its handler.
//!
//! Each file imports only files below it in this list; a test checks the imports.
//!
//! - [`lambda`]: an event comes in, a handler runs, an answer goes out. The clock is read here.
//! - [`event`]: turns an API Gateway event into a request, whatever the client sent.
//! - [`auth`]: who is calling, with a secret key or a session token.
//! - [`mint`]: stores a session and answers its token.
//! - [`session_secrets`]: secrets in a session's defaults, sealed under its token.
//! - [`app`]: the state that handlers need besides the request.
//! - [`grants`]: the environments that secret keys open, cached.
//! - [`settings`]: every environment variable, read once.
//! - [`request`]: reads the parts of a request.
//! - [`response`]: builds answers.
//! - [`telemetry`]: logs JSON lines, one summary per request.

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
