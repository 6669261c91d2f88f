//! Why a provider issued no token, and the error of each endpoint for that.

use http::StatusCode;
use serde_json::{Value, json};
use session::Error;
use session::json as plain_json;
use uuid::Uuid;

use crate::headers::failed;

/// Why there is no token.
#[derive(Debug)]
pub enum TokenFailure {
    /// The request was not sent: a value that the provider's template needs is missing or wrong.
    NotSent(Error),
    /// The provider cannot be reached, or does not answer.
    NoAnswer,
    /// The provider answered with another status than 2xx, and this body.
    Refused(StatusCode, String),
    /// The answer contains no token.
    NoToken,
}

impl From<Error> for TokenFailure {
    fn from(error: Error) -> Self {
        Self::NotSent(error)
    }
}

impl TokenFailure {
    /// As `/oauth2/auth` answers it (section 5 of the flow).
    pub fn of_client_credentials(self) -> Error {
        match self {
            Self::NotSent(error) => error,
            Self::NoAnswer => failed(),
            Self::Refused(_, body) => {
                let problem = json!({ "provider_error_payload": quoted(&body) }).to_string();
                let message =
                    format!("Failed to fetch client credentials token: {}", json!(problem));
                refused("client_credentials_fetch_error", message, problem)
            }
            Self::NoToken => unusable(),
        }
    }

    /// As `/auth/two-step` answers it (section 4 of the flow).
    pub fn of_two_step(self) -> Error {
        let problem = match self {
            Self::NotSent(error) => return error,
            Self::NoAnswer => return failed(),
            Self::Refused(status, body) => json!({
                "message": format!("Request failed with status code {}", status.as_u16()),
                "name": "AxiosError",
                "provider_error_payload": quoted(&body),
            }),
            Self::NoToken => json!({
                "message": "An unhandled error of type 'incomplete_raw_credentials' with payload \
                            '{}' has occurred",
                "name": "Error",
            }),
        };
        let problem = problem.to_string();
        let message = format!("Error fetching Two Step credentials Error: {problem}");
        refused("two_step_credentials_fetch_error", message, problem)
    }

    /// As `/auth/bill` answers it.
    pub fn of_bill(self) -> Error {
        match self {
            Self::NotSent(error) => error,
            _ => failed(),
        }
    }
}

/// A provider's answer: as JSON if it is JSON, otherwise as text.
fn quoted(body: &str) -> Value {
    plain_json::parse(body).unwrap_or_else(|_| Value::String(body.to_owned()))
}

fn refused(code: &'static str, message: String, payload: String) -> Error {
    Error::refused_with_payload(400, code, message, Value::String(payload))
}

/// The error for an answer without a token, in the contract's words. The id is for the customer's
/// support.
fn unusable() -> Error {
    let id = Uuid::new_v4();
    let message =
        format!("An error occurred. Please contact support with this unique id: \"{id}\"");
    let payload = Value::String(id.to_string());
    Error::refused_with_payload(500, "generic_error_support", message, payload)
}
