//! What a provider does that is broken or means harm, whatever the endpoint.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream::unfold;
use serde_json::json;
use tokio::time::sleep;

use super::Received;
use super::answers::{Answer, SLOW, json, redirect, response, text};

/// More than anybody reads.
const HUGE: usize = 20 * 1024 * 1024;

/// By a word in `value`; `None` where the provider is none of these.
pub async fn answer(value: &str, request: &Received, address: SocketAddr) -> Option<Answer> {
    let has = |word: &str| value.contains(word);
    if has("drop") {
        return Some(Answer::Broken);
    }
    if has("slow") {
        sleep(SLOW).await;
        return Some(json(200, &json!({ "access_token": "late" })));
    }
    if has("huge") {
        return Some(text(200, "application/json", "x".repeat(HUGE)));
    }
    if has("drip") {
        return Some(response(200, "application/json", drip()));
    }
    if has("circle") {
        return Some(redirect(302, &format!("http://{address}{}", request.path)));
    }
    if has("inside") {
        // AWS's instance metadata service, which gives credentials away.
        return Some(redirect(302, "http://169.254.169.254/latest/meta-data/"));
    }
    if let Some((_, lifetime)) = value.split_once("lives=") {
        let lifetime = serde_json::from_str(lifetime).unwrap_or_else(|_| json!(lifetime));
        return Some(json(200, &json!({ "access_token": "at-lives", "expires_in": lifetime })));
    }
    let token = |token: serde_json::Value| Some(json(200, &json!({ "access_token": token })));
    match value.split_once("odd-").map(|(_, kind)| kind) {
        Some("number") => token(json!(12_345)),
        Some("object") => token(json!({ "value": "at" })),
        Some("null") => token(json!(null)),
        Some("blank") => token(json!("")),
        Some("list") => Some(json(200, &json!([{ "access_token": "at" }]))),
        Some("scalar") => Some(json(200, &json!("access_token"))),
        Some("nothing") => Some(text(200, "application/json", "")),
        Some("page") => Some(text(200, "text/html", "<html>access_token=at</html>")),
        Some("cut") => Some(text(200, "application/json", r#"{"access_token":"at"#)),
        Some("bytes") => Some(text(200, "application/json", "\u{fffd}\u{0}")),
        Some("deep") => Some(text(200, "application/json", "[".repeat(100_000))),
        Some("late") => Some(json(202, &json!({ "status": "pending" }))),
        Some("teapot") => Some(json(418, &json!({ "error": { "code": 418 } }))),
        _ => None,
    }
}

/// The kinds of answers that hold no token, each behind `odd-`.
pub const ODD: [&str; 13] = [
    "number", "object", "null", "blank", "list", "scalar", "nothing", "page", "cut", "bytes",
    "deep", "late", "teapot",
];

/// A byte now and then, for ever.
fn drip() -> Body {
    Body::from_stream(unfold((), |()| async {
        sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    }))
}
