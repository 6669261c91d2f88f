//! Builds answers: status, headers, body.

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

/// An answer, as `lambda_http` expects it.
pub type Response = HttpResponse<Body>;

/// The headers of every answer (contract section 5.5). No cache may store an answer, since it
/// contains credentials or was made with them (RFC 6750 section 5.3). API Gateway sets the CORS
/// headers.
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

/// 200 with a body that is not wrapped in `data`.
pub fn plain(body: &impl Serialize) -> Result<Response, Error> {
    json_response(StatusCode::OK, body)
}

/// 201 with a body that is not wrapped in `data`.
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

/// A page for people, with its Content-Security-Policy. Other pages may not frame it, and it sends
/// no `Referer`, since its URL may contain a code.
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

/// 302 or 303 to another URL, perhaps with a cookie. It sends no `Referer`, since the query of this
/// request may contain a session token.
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

/// The answer to a request that failed. A 500 or 503 is logged with its cause.
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

/// The `WWW-Authenticate` challenge for a refused credential (RFC 6750 section 3).
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
