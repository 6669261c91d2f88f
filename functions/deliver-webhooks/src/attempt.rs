//! One request to a receiver, and the meaning of its answer.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use outbound::{Error, Outbound, Request};
use session::event::Event;
use url::Url;

use crate::schedule;

/// The time that a receiver has for its answer (contract section 7.3).
const DEADLINE: Duration = Duration::from_secs(20);

/// What an attempt means for the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has accepted it.
    Arrived,
    /// The receiver refuses it for good (410).
    Gone,
    /// It will be retried, perhaps at the time that the receiver asks for.
    Failed(Option<SignedDuration>),
}

/// Sends an event. Returns the verdict, and the status or a word for the kind of failure.
pub async fn send(
    outbound: &Outbound,
    event: &Event,
    signature: HeaderMap,
    now: Timestamp,
) -> (Verdict, String) {
    let Ok(url) = Url::parse(&event.url) else {
        return (Verdict::Failed(None), "invalid_url".to_owned());
    };
    let mut headers = signature;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/plain, */*"));
    let request = Request {
        headers,
        body: event.body.clone().into(),
        deadline: DEADLINE,
        // Only the status counts, however long the answer is.
        reads_body: false,
        ..Request::new(Method::POST, url)
    };
    match outbound.send(request).await {
        Ok(answer) => {
            let verdict = match answer.status {
                status if status.is_success() => Verdict::Arrived,
                StatusCode::GONE => Verdict::Gone,
                _ => Verdict::Failed(schedule::retry_after(&answer.headers, now)),
            };
            (verdict, answer.status.as_u16().to_string())
        }
        Err(error) => (Verdict::Failed(None), word(&error).to_owned()),
    }
}

fn word(error: &Error) -> &'static str {
    match error {
        Error::InvalidUrl(_) => "invalid_url",
        Error::Refused { .. } => "address_refused",
        Error::Resolve { .. } => "name_not_found",
        Error::Connect { .. } => "no_connection",
        Error::Tls { .. } => "tls_failed",
        Error::Timeout { .. } => "timeout",
        Error::TooLarge { .. } | Error::TooManyRedirects { .. } | Error::Protocol { .. } => {
            "connection_broken"
        }
    }
}
