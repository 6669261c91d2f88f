//! How answers are written: status, headers, body.

use lambda_http::Body;
use lambda_http::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_DNS_PREFETCH_CONTROL, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
pub use lambda_http::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use lambda_http::http::{Response as HttpResponse, StatusCode};
use serde::Serialize;

use session::Error;

use crate::telemetry;

/// An answer, as `lambda_http` takes it.
pub type Response = HttpResponse<Body>;

/// What every answer carries (contract section 5.5), and no cache may keep: answers are made of
/// credentials or with them (RFC 6750 section 5.3). CORS headers are API Gateway's to set.
const HEADERS: [(HeaderName, &str); 8] = [
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "strict-origin"),
    (STRICT_TRANSPORT_SECURITY, "max-age=5184000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_DNS_PREFETCH_CONTROL, "off"),
    (HeaderName::from_static("x-download-options"), "noopen"),
    (X_FRAME_OPTIONS, "SAMEORIGIN"),
    (X_XSS_PROTECTION, "0"),
];

/// 200 with `{"data": …}`.
pub fn ok(data: &impl Serialize) -> Result<Response, Error> {
    json_response(StatusCode::OK, &Data { data })
}

/// 200 with a body of a form of its own.
pub fn plain(body: &impl Serialize) -> Result<Response, Error> {
    json_response(StatusCode::OK, body)
}

/// 201 with a body of a form of its own.
pub fn plain_created(body: &impl Serialize) -> Result<Response, Error> {
    json_response(StatusCode::CREATED, body)
}

/// 201 with `{"data": …}`.
pub fn created(data: &impl Serialize) -> Result<Response, Error> {
    json_response(StatusCode::CREATED, &Data { data })
}

/// 204.
pub fn no_content() -> Response {
    response(StatusCode::NO_CONTENT, Body::Empty)
}

/// A page for people, with its Content-Security-Policy. No other page may frame it, and what it
/// links to hears nothing of its address.
pub fn page(status: StatusCode, html: String, policy: &str) -> Response {
    let mut response = response(status, Body::Text(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .extend(HeaderValue::from_str(policy).ok().map(|value| (CONTENT_SECURITY_POLICY, value)));
    response
}

/// 302 or 303 to another address, perhaps with a cookie. That address hears nothing of this one,
/// whose query may hold a session token.
pub fn redirect(
    status: StatusCode,
    location: &str,
    cookie: Option<&str>,
) -> Result<Response, Error> {
    let text = format!("{}. Redirecting to {location}", status.canonical_reason().unwrap_or(""));
    let mut response = response(status, Body::Text(text));
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_str(location).map_err(Error::internal)?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(cookie) = cookie {
        headers.insert(SET_COOKIE, HeaderValue::from_str(cookie).map_err(Error::internal)?);
    }
    Ok(response)
}

/// The answer to a request that failed. A failure of ours is logged, with its cause.
pub fn failure(error: &Error) -> Response {
    telemetry::note(|summary| summary.code = Some(error.code()));
    if let Error::Internal(cause) | Error::Unavailable(cause) = error {
        telemetry::failed(error.code(), cause);
    }
    let mut response = response(status(error), Body::Text(error.body().to_string()));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    if let Some(challenge) = challenge(error) {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if matches!(error, Error::Unavailable(_)) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The HTTP status of a failure.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Refused(refusal) => {
            StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
        Error::InvalidJson(_)
        | Error::InvalidQueryParams(_)
        | Error::InvalidUriParams(_)
        | Error::InvalidBody(_)
        | Error::UnknownConnection => StatusCode::BAD_REQUEST,
        Error::MissingAuthHeader
        | Error::InvalidSecretKeyFormat
        | Error::UnknownAccount
        | Error::InvalidSessionTokenFormat
        | Error::UnknownSessionToken
        | Error::MissingPublicKey => StatusCode::UNAUTHORIZED,
        Error::InsufficientScope(_) | Error::DocsOverrideForbidden => StatusCode::FORBIDDEN,
        Error::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Error::InvalidContentType
        | Error::UnsupportedContentEncoding
        | Error::UnsupportedCharset => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The challenge that goes with a refused credential (RFC 6750 section 3).
fn challenge(error: &Error) -> Option<&'static str> {
    match status(error) {
        StatusCode::UNAUTHORIZED
            if matches!(error, Error::MissingAuthHeader | Error::MissingPublicKey) =>
        {
            Some(r#"Bearer realm="connect-sessions""#)
        }
        StatusCode::UNAUTHORIZED => {
            Some(r#"Bearer realm="connect-sessions", error="invalid_token""#)
        }
        StatusCode::FORBIDDEN => {
            Some(r#"Bearer realm="connect-sessions", error="insufficient_scope""#)
        }
        _ => None,
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

#[derive(Serialize)]
struct Data<'a, T> {
    data: &'a T,
}

fn json_response(status: StatusCode, body: &impl Serialize) -> Result<Response, Error> {
    let text = serde_json::to_string(body).map_err(Error::internal)?;
    let mut response = response(status, Body::Text(text));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

fn response(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().reserve(HEADERS.len() + 2);
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
