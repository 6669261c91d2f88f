//! A request as the event that API Gateway makes of it (payload format 2.0).
//!
//! Source: AWS, "Create AWS Lambda proxy integrations for HTTP APIs".

use std::net::SocketAddr;

use api::Timestamp;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::routes::decoded_path;

/// The event of a request for a route; `parameters` are those in its path.
pub fn event(
    route_key: &str,
    parameters: Map<String, Value>,
    parts: &Parts,
    body: &[u8],
    peer: SocketAddr,
    request_id: &str,
    now: Timestamp,
) -> Value {
    let path = decoded_path(&parts.uri);
    let query = parts.uri.query().unwrap_or_default();
    let domain_name = header(&parts.headers, "host").unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": domain_name,
            "domainPrefix": domain_name.split('.').next(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": peer.ip().to_string(),
                "userAgent": header(&parts.headers, "user-agent").unwrap_or_default(),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    // API Gateway overwrites what the client sends.
    event["headers"]["x-forwarded-proto"] = json!("http");
    let cookies: Vec<_> = values(&parts.headers, &COOKIE).collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !parameters.is_empty() {
        event["pathParameters"] = Value::Object(parameters);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = query_parameters(query);
    }
    match str::from_utf8(body) {
        Ok("") => {}
        Ok(text) if is_text(&parts.headers) => event["body"] = json!(text),
        _ => {
            event["body"] = json!(STANDARD.encode(body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event
}

/// The headers except cookies: names in lowercase, the values of a name joined with commas.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let joined = |name| values(headers, name).collect::<Vec<_>>().join(",");
    headers
        .keys()
        .filter(|name| **name != COOKIE)
        .map(|name| (name.as_str().to_owned(), json!(joined(name))))
        .collect()
}

fn values(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned())
}

fn query_parameters(query: &str) -> Value {
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let joined = match parameters.get(name.as_ref()).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value.into_owned(),
        };
        parameters.insert(name.into_owned(), json!(joined));
    }
    Value::Object(parameters)
}

/// Whether API Gateway passes a body of this content type as text.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = header(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    ["text/", "application/json", "application/javascript", "application/xml"]
        .iter()
        .any(|prefix| content_type.starts_with(prefix))
}
