//! A client's requests and replies, and the form that every reply must have.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use axum::body::{Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use jiff::Timestamp;
use local::{State, gateway};
use serde_json::Value;

/// The API's host in the requests of the tests.
pub const HOST: &str = "api.example.test";

/// A request before it is sent.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Call {
    /// A request without headers or body.
    pub fn new(method: &str, path: &str) -> Self {
        let method = method.parse().expect("a method");
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), body: None }
    }

    /// `POST /connect/sessions`.
    pub fn create(secret_key: &str, body: &Value) -> Self {
        Self::new("POST", "/connect/sessions").bearer(secret_key).json(body)
    }

    /// `POST /connect/sessions/reconnect`.
    pub fn reconnect(secret_key: &str, body: &Value) -> Self {
        Self::new("POST", "/connect/sessions/reconnect").bearer(secret_key).json(body)
    }

    /// `GET /connect/session`.
    pub fn get(token: &str) -> Self {
        Self::new("GET", "/connect/session").bearer(token)
    }

    /// `DELETE /connect/session`.
    pub fn delete(token: &str) -> Self {
        Self::new("DELETE", "/connect/session").bearer(token)
    }

    /// With a credential in the standard form.
    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        self.header("authorization", &format!("Bearer {credential}"))
    }

    /// With a header, which replaces one of the same name.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.headers.insert(name.parse::<HeaderName>().expect("a header name"), value);
        self
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// With another path and query.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// With a JSON body and its content type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).header("content-type", "application/json")
    }

    /// With a body of any bytes.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it through the gateway to the handlers of this process.
    pub async fn send_to(self, state: &'static State, now: Timestamp) -> Reply {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
        let mut request = Request::new(self.body.clone().unwrap_or_default());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().expect("a path");
        request.headers_mut().insert("host", HeaderValue::from_static(HOST));
        request.headers_mut().extend(self.headers);
        if self.body.is_some() || self.method == Method::POST {
            // As every HTTP/1.1 client does; and a host.
            let length = request.body().len();
            request.headers_mut().insert("content-length", HeaderValue::from(length));
        }
        let response = gateway::respond(state, request, peer, now).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a whole body");
        Reply { status: parts.status.as_u16(), headers: parts.headers, body: text(&body) }
    }

    /// Sends it over HTTP.
    pub async fn send_over(self, client: &reqwest::Client, base_url: &str) -> Reply {
        let url = format!("{}{}", base_url.trim_end_matches('/'), self.path);
        let mut request = client.request(self.method, url).headers(self.headers);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, body: text(&response.bytes().await.expect("a whole body")) }
    }
}

fn text(bytes: &[u8]) -> String {
    str::from_utf8(bytes).expect("UTF-8").to_owned()
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of a 201.
    pub fn token(&self) -> String {
        assert_eq!(self.status, 201, "{self:?}");
        self.json()["data"]["token"].as_str().expect("a token").to_owned()
    }

    /// Asserts the whole answer: status, body, and exactly the headers that belong to it.
    #[track_caller]
    pub fn assert(&self, status: u16, body: &Value) {
        assert_eq!((self.status, self.body.as_str()), (status, body.to_string().as_str()));
        self.assert_headers();
    }

    /// Asserts an answer with a list of issues.
    #[track_caller]
    pub fn assert_issues(&self, issues: &Value) {
        let body = serde_json::json!({ "error": { "code": "invalid_body", "errors": issues } });
        self.assert(400, &body);
    }

    /// Asserts the headers of a function's answer: all that belong to it, and no other.
    #[track_caller]
    pub fn assert_headers(&self) {
        let mut expected = BTreeSet::from([
            ("access-control-allow-origin", "*"),
            (
                "access-control-expose-headers",
                "Authorization, Etag, Content-Type, Content-Length, X-Nango-Signature, \
                 X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
            ),
            ("cache-control", "no-store"),
            ("referrer-policy", "strict-origin"),
            ("strict-transport-security", "max-age=5184000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-dns-prefetch-control", "off"),
            ("x-download-options", "noopen"),
            ("x-frame-options", "SAMEORIGIN"),
            ("x-xss-protection", "0"),
        ]);
        if self.status != 204 {
            expected.insert(("content-type", "application/json; charset=utf-8"));
        }
        let challenge = match self.status {
            401 if self.body.contains("missing_auth_header") => {
                Some(r#"Bearer realm="connect-sessions""#)
            }
            401 => Some(r#"Bearer realm="connect-sessions", error="invalid_token""#),
            403 => Some(r#"Bearer realm="connect-sessions", error="insufficient_scope""#),
            _ => None,
        };
        expected.extend(challenge.map(|challenge| ("www-authenticate", challenge)));
        if self.status == 503 {
            expected.insert(("retry-after", "1"));
        }
        let sent: BTreeSet<_> = (self.headers.iter())
            .map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII")))
            .collect();
        assert_eq!(sent, expected);
    }
}
