//! API Gateway's part: routes, CORS and payload format 2.0, as `template.yaml` sets them up.
//!
//! A request becomes a real event, passes through `lambda_http` into the same `handle` that Lambda
//! runs, and the function's answer becomes an HTTP response again. Sources: AWS, "Create AWS Lambda
//! proxy integrations for HTTP APIs" and "Configure CORS for HTTP APIs".

use std::error::Error;
use std::net::SocketAddr;

use api::{App, Timestamp, lambda};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_TYPE, COOKIE, HeaderValue,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http_body_util::LengthLimitError;
use lambda_http::Context;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

/// A route: its key in `template.yaml`, and what answers its events.
type Route = (&'static str, fn(&'static App, String, Context, Timestamp) -> Answer);
type Answer = BoxFuture<'static, Result<String, String>>;

/// Every route of `template.yaml`; a test holds the two together.
pub const ROUTES: [Route; 5] = [
    ("POST /connect/sessions", |app, event, context, now| {
        Box::pin(answer(app, create_session::handle, event, context, now))
    }),
    ("POST /connect/sessions/reconnect", |app, event, context, now| {
        Box::pin(answer(app, reconnect_session::handle, event, context, now))
    }),
    ("GET /connect/session", |app, event, context, now| {
        Box::pin(answer(app, get_session::handle, event, context, now))
    }),
    ("HEAD /connect/session", |app, event, context, now| {
        Box::pin(answer(app, get_session::handle, event, context, now))
    }),
    ("DELETE /connect/session", |app, event, context, now| {
        Box::pin(answer(app, delete_session::handle, event, context, now))
    }),
];

/// The most bytes of a request that API Gateway takes (AWS, HTTP API quotas).
const PAYLOAD_MAX: usize = 10 * 1_024 * 1_024;

/// The CORS headers of every answer, and those that only a preflight gets.
const CORS: [(HeaderName, &str); 2] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "Authorization, Etag, Content-Type, Content-Length, X-Nango-Signature, \
         X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
    ),
];
const PREFLIGHT: [(HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_METHODS, "GET,HEAD,PUT,PATCH,POST,DELETE"),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "Authorization, Content-Type, Accept, Origin, X-Requested-With, Nango-Activity-Log-Id, \
         Nango-Is-Dry-Run, Nango-Is-Sync, Provider-Config-Key, Connection-Id, Sentry-Trace, \
         Baggage",
    ),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];

/// Serves until `stop` resolves, then finishes the requests in flight.
pub async fn serve(
    app: &'static App,
    listener: TcpListener,
    clock: fn() -> Timestamp,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    type Peer = ConnectInfo<SocketAddr>;
    let respond = async move |ConnectInfo(peer): Peer, request: Request<Body>| {
        let (parts, body) = request.into_parts();
        match to_bytes(body, PAYLOAD_MAX).await {
            Ok(body) => respond(app, Request::from_parts(parts, body), peer, clock()).await,
            Err(error) if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) => {
                plain(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Too Long"}"#)
            }
            Err(_) => plain(StatusCode::BAD_REQUEST, r#"{"message":"Bad Request"}"#),
        }
    };
    let service =
        Router::new().fallback(respond).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

/// Answers one HTTP request at the moment `now`.
pub async fn respond(
    app: &'static App,
    request: Request<Bytes>,
    peer: SocketAddr,
    now: Timestamp,
) -> Response<Body> {
    let mut response = route(app, request, peer, now).await;
    for (name, value) in CORS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn route(
    app: &'static App,
    request: Request<Bytes>,
    peer: SocketAddr,
    now: Timestamp,
) -> Response<Body> {
    if request.method() == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        for (name, value) in PREFLIGHT {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        return response;
    }
    let key = format!("{} {}", request.method(), request.uri().path());
    let Some((route_key, handle)) = ROUTES.into_iter().find(|(route_key, _)| *route_key == key)
    else {
        return plain(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#);
    };
    let (parts, body) = request.into_parts();
    let request_id = Uuid::new_v4().to_string();
    let event = event(route_key, &parts, &body, peer, &request_id, now).to_string();
    let mut context = Context::default();
    context.request_id = request_id;
    let answered = handle(app, event, context, now).await;
    answered.and_then(|answer| http_response(&answer)).unwrap_or_else(|problem| {
        // What API Gateway says when an invocation fails.
        tracing::error!(problem, "invocation failed");
        plain(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#)
    })
}

async fn answer<H, F>(
    app: &'static App,
    handle: H,
    event: String,
    context: Context,
    now: Timestamp,
) -> Result<String, String>
where
    H: Fn(&'static App, api::Request, Timestamp) -> F + Send + Sync + 'static,
    F: Future<Output = Result<api::Response, api::Error>> + Send + 'static,
{
    let answer = lambda::answer(app, handle, &event, context, now).await?;
    serde_json::to_string(&answer).map_err(|problem| problem.to_string())
}

/// The event of payload format 2.0 that API Gateway makes of a request.
pub fn event(
    route_key: &str,
    parts: &Parts,
    body: &[u8],
    peer: SocketAddr,
    request_id: &str,
    now: Timestamp,
) -> Value {
    let query = parts.uri.query().unwrap_or_default();
    let domain_name = header(&parts.headers, "host").unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": parts.uri.path(),
        "rawQueryString": query,
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": domain_name,
            "domainPrefix": domain_name.split('.').next(),
            "http": {
                "method": parts.method.as_str(),
                "path": parts.uri.path(),
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
    let cookies: Vec<_> = values(&parts.headers, &COOKIE).collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
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

/// Names in lowercase; several values of a name are joined with commas; cookies go elsewhere.
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

/// The HTTP response that API Gateway makes of a function's answer.
fn http_response(answer: &str) -> Result<Response<Body>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct FunctionAnswer {
        status_code: u16,
        #[serde(default)]
        headers: Map<String, Value>,
        #[serde(default)]
        body: Option<String>,
        #[serde(default)]
        is_base64_encoded: bool,
    }
    let answer: FunctionAnswer = serde_json::from_str(answer).map_err(|error| error.to_string())?;
    let text = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded {
        STANDARD.decode(text).map_err(|error| error.to_string())?
    } else {
        text.into_bytes()
    };
    let mut response = Response::builder().status(answer.status_code);
    for (name, value) in &answer.headers {
        response = response.header(name, value.as_str().unwrap_or_default());
    }
    response.body(Body::from(body)).map_err(|error| error.to_string())
}

/// An answer of API Gateway itself.
fn plain(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
