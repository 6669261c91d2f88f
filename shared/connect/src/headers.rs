//! Headers of requests to providers, which hold credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use session::Error;

/// The error for credentials that a provider does not accept, whatever the reason.
pub fn failed() -> Error {
    Error::refused(
        400,
        "connection_test_failed",
        "The given credentials were found to be invalid. Please check the credentials and try \
         again.",
    )
}

/// `Authorization: Basic` (RFC 7617 section 2).
pub fn basic(user: &str, password: &str) -> Result<HeaderValue, Error> {
    header_value(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

/// A header name of a provider's template.
pub fn header_name(name: &str) -> Result<HeaderName, Error> {
    name.parse().map_err(Error::internal)
}

/// A header value, marked as sensitive. A credential that is not valid in a header fails like a
/// wrong one.
pub fn header_value(value: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| failed())?;
    value.set_sensitive(true);
    Ok(value)
}
