//! Turns an API Gateway HTTP API event (payload format 2.0) into a request, whatever the client
//! sent.
//!
//! `lambda_http` 1.3 panics on a Host that is invalid in a URL, on a query that is invalid in a URI
//! or too long for one, and on invalid base64; its event type refuses headers that are not ASCII. A
//! client must not be able to end an invocation, so such parts are made harmless first. No endpoint
//! uses the Host header or the path: the domain is in the request context, and `pathParameters` has
//! the decoded parameters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::http::header::{HOST, HeaderName, HeaderValue};
use lambda_http::request::LambdaRequest;
use serde_json::Value;
use session::json;
use url::Url;

/// The most bytes of a query: a URI of the `http` crate has at most 65,534. API Gateway accepts far
/// shorter queries only, so nothing is cut off on AWS.
const QUERY_LENGTH_MAX: usize = 65_000;

/// The header in which [`read`] passes on the URL of this API. If a client sends it, it is dropped.
pub const BASE_URL: HeaderName = HeaderName::from_static("x-connect-sessions-base-url");

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Reads an event. `None` if somebody invoked the function with something else.
pub fn read(event: &str) -> Option<LambdaRequest> {
    let mut event: ApiGatewayV2httpRequest = serde_json::from_str(event)
        // Through text again, since deserializing from a `Value` would double the generated code.
        .or_else(|_| serde_json::from_str(&with_ascii_headers(json::parse(event)?).to_string()))
        .ok()?;
    if event.is_base64_encoded && event.body.as_ref().is_some_and(|b| STANDARD.decode(b).is_err()) {
        return None;
    }
    event.headers.remove(HOST);
    let base_url = base_url(&event);
    event.headers.remove(BASE_URL);
    event.headers.extend(base_url.map(|address| (BASE_URL, address)));
    event.request_context.domain_name = None;
    event.request_context.stage = None;
    event.raw_path = Some("/".to_owned());
    event.raw_query_string = event.raw_query_string.filter(|query| !query.is_empty());
    event.raw_query_string = event.raw_query_string.as_deref().and_then(uri_query);
    Some(LambdaRequest::ApiGatewayV2(event))
}

/// The URL at which API Gateway received the request. API Gateway sets the domain, not the client;
/// still, `None` if it does not make a valid URL.
fn base_url(event: &ApiGatewayV2httpRequest) -> Option<HeaderValue> {
    let domain = event.request_context.domain_name.as_deref()?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let is_plain = event.headers.get(X_FORWARDED_PROTO).is_some_and(|proto| proto == "http");
    let address = format!("{}://{domain}", if is_plain { "http" } else { "https" });
    let is_good = domain.bytes().all(allowed) && Url::parse(&address).is_ok();
    is_good.then(|| HeaderValue::from_str(&address).ok()).flatten()
}

/// The event with headers that the `http` crate accepts: other characters become `?`, and headers
/// with invalid names are removed.
fn with_ascii_headers(mut event: Value) -> Value {
    if let Some(headers) = event.get_mut("headers").and_then(Value::as_object_mut) {
        headers.retain(|name, _| name.parse::<lambda_http::http::HeaderName>().is_ok());
        for value in headers.values_mut() {
            let text = value.as_str().unwrap_or_default();
            let ascii = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' };
            *value = Value::String(text.chars().map(ascii).collect());
        }
    }
    event
}

/// The query, percent-encoded as the WHATWG URL Standard says, so that it is valid in a URI.
fn uri_query(query: &str) -> Option<String> {
    let mut url = Url::parse("http://localhost/").ok()?;
    url.set_query(Some(query));
    let query = url.query()?;
    Some(query.get(..QUERY_LENGTH_MAX).unwrap_or(query).to_owned())
}
