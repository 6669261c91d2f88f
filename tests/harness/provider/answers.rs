//! What the provider and the receiver of webhooks answer.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Received, hostile};

/// How often something was asked for, by name.
pub type Counters = Mutex<HashMap<String, usize>>;

/// What becomes of a request.
pub enum Answer {
    /// It is answered.
    Response(Response<Body>),
    /// The connection breaks before an answer.
    Broken,
}

/// Longer than any client waits.
pub const SLOW: Duration = Duration::from_secs(25);

/// Receivers: by the path, else 200.
pub async fn webhook(request: &Received, address: SocketAddr, counters: &Counters) -> Answer {
    let path = request.path();
    let redirected = format!("http://{address}/redirected");
    match path.trim_start_matches('/').split('/').next().unwrap_or_default() {
        "404" => json(404, &json!({})),
        "410" => json(410, &json!({})),
        "429" => json(429, &json!({})),
        "500" => json(500, &json!({})),
        "flaky" if count(counters, path) == 1 => json(500, &json!({})),
        "slow" => {
            sleep(SLOW).await;
            json(200, &json!({}))
        }
        "redirect" => redirect(307, &redirected),
        "r302" => redirect(302, &redirected),
        "reset" => Answer::Broken,
        _ => json(200, &json!({ "ok": true })),
    }
}

/// The provider: by the end of the path an endpoint for each way to authenticate.
pub async fn provider(request: &Received, address: SocketAddr, counters: &Counters) -> Answer {
    let path = request.path();
    let body = request.parameters();
    let field = |name: &str| body[name].as_str().unwrap_or_default();
    match path.rsplit('/').next().unwrap_or_default() {
        "authorize" => text(200, "text/html", "<html>authorize</html>"),
        "cc-token" => client_credentials(request, field("client_id"), address, counters).await,
        "twostep-token" => two_step(request, field("user"), address, counters).await,
        "bill-token" => bill(&request.body),
        // OAuth 1.0 (RFC 5849 sections 2.1 and 2.3).
        "request" => {
            form("oauth_token=o1-req&oauth_token_secret=o1-sec&oauth_callback_confirmed=true")
        }
        "access" => form("oauth_token=o1-at&oauth_token_secret=o1-ats&extra=1"),
        "token" if field("grant_type") == "refresh_token" => {
            refresh(request, field("refresh_token"), address, counters).await
        }
        "token" => exchange(request, field("code"), address).await,
        last if last.contains("verify") => verify(request, path, address).await,
        _ => json(200, &json!({ "path": request.path })),
    }
}

/// A call that tells whether credentials are good, by what the path and the `Authorization` or the
/// `X-Api-Key` header hold.
async fn verify(request: &Received, path: &str, address: SocketAddr) -> Answer {
    let credential = request.credential();
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let bad = format!("bad{status}");
        if credential.contains(&bad) || path.contains(&bad) {
            return json(status, &json!({ "error": format!("status {status}") }));
        }
    }
    if let Some(answer) = hostile::answer(&credential, request, address).await {
        return answer;
    }
    if credential.contains("redir") {
        return redirect(302, &format!("http://{address}/api/ok"));
    }
    let is_refused = credential.contains("half") && path.contains("verify-one")
        || credential.contains("BADTOK") && path.contains("tba");
    if is_refused { json(401, &json!({})) } else { json(200, &json!({ "ok": true })) }
}

/// A token for client credentials, by the client id.
async fn client_credentials(
    request: &Received,
    client_id: &str,
    address: SocketAddr,
    counters: &Counters,
) -> Answer {
    let credential = request.credential();
    let client_id = if credential.is_empty() { client_id } else { &credential };
    if let Some(answer) = hostile::answer(client_id, request, address).await {
        return answer;
    }
    if client_id.contains("bad401") {
        return json(401, &error("invalid_client", "nope"));
    }
    if client_id.contains("bad500") {
        return text(500, "text/plain", "boom");
    }
    if client_id.contains("badjson") {
        return text(200, "text/plain", "not json");
    }
    if client_id.contains("empty") {
        return json(200, &json!({}));
    }
    if client_id.contains("form") {
        return form("access_token=cc-form&token_type=bearer&expires_in=60");
    }
    let token = format!("cc-at-{}", count(counters, "client credentials"));
    let mut answer = bearer(&token, client_id);
    answer["scope"] = json!("x");
    json(200, &answer)
}

/// A token for a name and a password, by the name.
async fn two_step(
    request: &Received,
    user: &str,
    address: SocketAddr,
    counters: &Counters,
) -> Answer {
    if let Some(answer) = hostile::answer(user, request, address).await {
        return answer;
    }
    if user.contains("bad401") {
        return json(401, &json!({ "message": "wrong password" }));
    }
    if user.contains("bad500") {
        return text(500, "text/plain", "boom");
    }
    if user.contains("badjson") {
        return text(200, "text/plain", "not json");
    }
    if user.contains("empty") {
        return json(200, &json!({ "data": {} }));
    }
    let token = format!("ts-jwt-{}", count(counters, "two step"));
    json(200, &json!({ "data": { "jwt": token, "expires": lifetime(user) } }))
}

fn bill(body: &str) -> Answer {
    if body.contains("bad") {
        return json(400, &json!([{ "code": "BDC_1", "message": "bad login" }]));
    }
    json(200, &json!({ "sessionId": "bill-sess", "organizationId": "org-1", "userId": "u-1" }))
}

/// A new access token, by the refresh token.
async fn refresh(
    request: &Received,
    token: &str,
    address: SocketAddr,
    counters: &Counters,
) -> Answer {
    if token.contains("slow") {
        sleep(Duration::from_secs(2)).await;
    } else if let Some(answer) = hostile::answer(token, request, address).await {
        return answer;
    }
    if token.contains("fail400") {
        return json(400, &error("invalid_grant", "refresh token revoked"));
    }
    if token.contains("fail401") {
        return json(401, &json!({ "error": "invalid_client" }));
    }
    if token.contains("fail500") {
        return text(500, "text/plain", "boom");
    }
    if token.contains("form") {
        return form("access_token=at-form&token_type=bearer&expires_in=3600");
    }
    let number = count(counters, "refresh");
    let mut answer = bearer(&format!("at-refreshed-{number}"), token);
    if token.contains("rotate") {
        answer["refresh_token"] = json!(format!("{token}-{number}"));
    }
    if token.contains("extra") {
        answer["instance_url"] = json!("https://refreshed.example.com");
    }
    json(200, &answer)
}

/// A token for an authorization code, by the code.
async fn exchange(request: &Received, code: &str, address: SocketAddr) -> Answer {
    match code.split(['-', '_']).next().unwrap_or_default() {
        "err400" => return json(400, &error("invalid_grant", "bad code")),
        "err401" => return json(401, &error("invalid_client", "bad client")),
        "err500" => return text(500, "text/plain", "boom"),
        "badjson" => return text(200, "text/html", "not json"),
        "noaccess" => return json(200, &json!({ "token_type": "Bearer" })),
        "ok200err" => {
            let description = "The code passed is incorrect or expired.";
            return json(200, &error("bad_verification_code", description));
        }
        "form" => return form("access_token=at-form&scope=repo&token_type=bearer"),
        "quote" => {
            return json(400, &json!({ "error": "invalid_request", "quoted": request.body }));
        }
        _ => {}
    }
    if let Some(answer) = hostile::answer(code, request, address).await {
        return answer;
    }
    let mut answer = bearer(&format!("at-{code}"), code);
    if code.starts_with("noexp") {
        answer.as_object_mut().expect("an object").remove("expires_in");
    }
    if !code.contains("norefresh") {
        answer["refresh_token"] = json!(format!("rt-{code}"));
    }
    answer["scope"] = json!("read write");
    answer["team"] = json!({ "id": "T1", "name": "Team" });
    answer["instance_url"] = json!("https://acme.example.com");
    answer["extra_field"] = json!("kept?");
    json(200, &answer)
}

/// A token answer (RFC 6749 section 5.1).
fn bearer(token: &str, value: &str) -> Value {
    json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime(value) })
}

/// How many seconds a token lives.
fn lifetime(value: &str) -> u32 {
    if value.contains("short") { 1 } else { 3_600 }
}

/// An error answer (RFC 6749 section 5.2).
fn error(code: &str, description: &str) -> Value {
    json!({ "error": code, "error_description": description })
}

/// Counts one more of `name`, and tells how many that makes.
fn count(counters: &Counters, name: &str) -> usize {
    let mut counters = counters.lock().expect("no panic");
    let counter = counters.entry(name.to_owned()).or_default();
    *counter += 1;
    *counter
}

/// With white space, which shows whether a text was copied or read and printed again.
pub fn json(status: u16, body: &Value) -> Answer {
    text(status, "application/json", format!("{body:#}"))
}

fn form(body: &str) -> Answer {
    text(200, "application/x-www-form-urlencoded", body)
}

pub fn text(status: u16, content_type: &str, body: impl Into<String>) -> Answer {
    response(status, content_type, Body::from(body.into()))
}

pub fn redirect(status: u16, location: &str) -> Answer {
    let response = Response::builder().status(status).header(LOCATION, location);
    Answer::Response(response.body(Body::empty()).expect("a response"))
}

pub fn response(status: u16, content_type: &str, body: Body) -> Answer {
    let response = Response::builder().status(status).header(CONTENT_TYPE, content_type);
    Answer::Response(response.body(body).expect("a response"))
}
