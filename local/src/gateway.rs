//! What API Gateway does: routes, CORS and limits, as `template.yaml` configures them.
//!
//! A request becomes an event, which goes through `lambda_http` into the same `handle` that Lambda
//! runs; the function's answer becomes an HTTP response. Source: AWS, "Configure CORS for
//! HTTP APIs".

use std::error::Error;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

use api::Timestamp;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONTENT_TYPE, HeaderValue, SET_COOKIE,
};
use axum::http::{HeaderName, Method, Request, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::LengthLimitError;
use lambda_http::Context;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::State;
use crate::event::event;
use crate::log;
use crate::routes::{ROUTES, Router, decoded_path};
use crate::upgrade;
use crate::websockets::Hub;

/// The longest request body that API Gateway accepts, in bytes (AWS, HTTP API quotas).
const PAYLOAD_MAX: usize = 10 * 1_024 * 1_024;

/// The CORS headers of every response.
const CORS: [(HeaderName, &str); 2] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "Authorization, Etag, Content-Type, Content-Length, X-Nango-Signature, \
         X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
    ),
];
/// The further CORS headers of the response to a preflight request.
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

/// Serves until `stop` resolves, then finishes the requests in flight. Sockets do not count as
/// requests: they end with the process. `pages` are routes that exist on this machine only, besides
/// those of the template.
pub async fn serve(
    state: &'static State,
    hub: Hub,
    listener: TcpListener,
    pages: axum::Router,
    clock: fn() -> Timestamp,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    type Peer = ConnectInfo<SocketAddr>;
    let respond = async move |ConnectInfo(peer): Peer, request: Request<Body>| {
        let started = Instant::now();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = if upgrade::is_wanted(&request) {
            upgrade::respond(request, &state.connect.app.settings.websockets_path, hub.clone())
                .await
        } else {
            match with_whole_body(request).await {
                // A task of its own, so that a request whose client is gone is finished, as it is
                // on Lambda.
                Ok(request) => match tokio::spawn(respond(state, request, peer, clock())).await {
                    Ok(response) => response,
                    Err(_) => with_cors(internal_server_error()),
                },
                Err(refusal) => with_cors(refusal),
            }
        };
        let code = response.extensions().get().map_or("", |ErrorCode(code)| code);
        log::request(&method, uri.path(), response.status(), code, started.elapsed());
        response
    };
    let service = pages.fallback(respond).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

/// Reads the body, unless it is longer than API Gateway accepts.
async fn with_whole_body(request: Request<Body>) -> Result<Request<Bytes>, Response<Body>> {
    let too_large =
        || plain(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Entity Too Large"}"#);
    let (parts, body) = request.into_parts();
    // An announced length is checked before anything is read.
    if body.size_hint().lower() > PAYLOAD_MAX as u64 {
        return Err(too_large());
    }
    match to_bytes(body, PAYLOAD_MAX).await {
        Ok(body) => Ok(Request::from_parts(parts, body)),
        Err(error) if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) => {
            Err(too_large())
        }
        Err(_) => Err(plain(StatusCode::BAD_REQUEST, r#"{"message":"Bad Request"}"#)),
    }
}

/// Answers one HTTP request at the moment `now`.
pub async fn respond(
    state: &'static State,
    request: Request<Bytes>,
    peer: SocketAddr,
    now: Timestamp,
) -> Response<Body> {
    static ROUTER: LazyLock<Router> = LazyLock::new(|| Router::new(&ROUTES));
    respond_with(&ROUTER, state, request, peer, now).await
}

/// Answers one HTTP request with the routes of `router`.
pub async fn respond_with(
    router: &Router,
    state: &'static State,
    request: Request<Bytes>,
    peer: SocketAddr,
    now: Timestamp,
) -> Response<Body> {
    with_cors(route(router, state, request, peer, now).await)
}

fn with_cors(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in CORS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn route(
    router: &Router,
    state: &'static State,
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
    let found = router.find(request.method(), &decoded_path(request.uri()));
    let Some(((route_key, handle), parameters)) = found else {
        return plain(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#);
    };
    let (parts, body) = request.into_parts();
    let request_id = Uuid::new_v4().to_string();
    let event = event(route_key, parameters, &parts, &body, peer, &request_id, now).to_string();
    let mut context = Context::default();
    context.request_id = request_id;
    let answered = handle(state, event, context, now).await;
    answered.and_then(|answer| http_response(&answer)).unwrap_or_else(|problem| {
        // The answer of API Gateway when an invocation fails.
        tracing::error!(problem, "invocation failed");
        internal_server_error()
    })
}

fn internal_server_error() -> Response<Body> {
    plain(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#)
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
        cookies: Vec<String>,
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
    if answer.status_code >= 400 {
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let code = body["error"]["code"].as_str().unwrap_or_default();
        response = response.extension(ErrorCode(code.to_owned()));
    }
    for (name, value) in &answer.headers {
        response = response.header(name, value.as_str().unwrap_or_default());
    }
    for cookie in answer.cookies {
        response = response.header(SET_COOKIE, cookie);
    }
    response.body(Body::from(body)).map_err(|error| error.to_string())
}

/// The error code in the body of a function's answer, for the log.
#[derive(Clone)]
struct ErrorCode(String);

/// A response of API Gateway itself.
fn plain(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
