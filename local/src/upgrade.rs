//! Requests to open a WebSocket.

use axum::body::Body;
use axum::extract::{FromRequestParts, WebSocketUpgrade};
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use axum::http::{Request, Response, StatusCode};

use crate::websockets::Hub;

/// The longest message that a client may send, in bytes, as at API Gateway. Messages are ignored.
const MESSAGE_MAX: usize = 128 * 1_024;

/// Whether a request asks for a WebSocket (RFC 6455 section 4.2.1).
pub fn is_wanted(request: &Request<Body>) -> bool {
    let upgrade = request.headers().get(UPGRADE).map(HeaderValue::as_bytes);
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}

/// Opens a socket if the request's path is `path`. It needs no credential and may come from any
/// origin: a socket is told its own id, and more only once a flow names that id.
pub async fn respond(request: Request<Body>, path: &str, hub: Hub) -> Response<Body> {
    let (mut parts, _) = request.into_parts();
    if parts.uri.path() != path {
        return bad_request();
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => {
            let upgrade = upgrade.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
            upgrade.on_upgrade(|socket| hub.serve(socket))
        }
        Err(_) => bad_request(),
    }
}

fn bad_request() -> Response<Body> {
    let mut response = Response::new(Body::from("Bad Request"));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
