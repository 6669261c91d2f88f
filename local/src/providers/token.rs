//! The token endpoint (RFC 6749 section 3.2), revocation (RFC 7009), and the API that accepts the
//! tokens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::form_urlencoded::parse;

use super::catalogue::{API_KEY, API_KEY_PROVIDER, CLIENT, Outcome};
use super::grants::{Grants, Tokens};

/// How long the slow provider takes: longer than users expect, shorter than clients wait.
pub const SLOW: Duration = Duration::from_secs(5);

/// How long an access token lives, in seconds.
const LIFE: u32 = 3_600;
/// The same for the provider whose refreshes are worth watching.
const SHORT_LIFE: u32 = 60;

/// The token endpoint.
pub async fn token(
    State(grants): State<Arc<Grants>>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let Some((outcome, _)) = Outcome::of(&provider) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let form: HashMap<String, String> = parse(body.as_bytes()).into_owned().collect();
    let parameter = |name: &str| form.get(name).map(String::as_str);
    if !is_client(&headers, &form) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "This is not the demo's client",
        );
    }
    let rotates = outcome == Outcome::Rotates;
    match parameter("grant_type") {
        Some("authorization_code") => {
            match outcome {
                Outcome::Refuses => {
                    return refused(
                        StatusCode::BAD_REQUEST,
                        "invalid_grant",
                        "This provider refuses every code",
                    );
                }
                Outcome::Status200 => {
                    let answer = json!({ "ok": false, "error": "invalid_code" });
                    return json(StatusCode::OK, &answer);
                }
                Outcome::Slow => tokio::time::sleep(SLOW).await,
                _ => {}
            }
            let code = parameter("code").unwrap_or_default();
            let redirect_uri = parameter("redirect_uri").unwrap_or_default();
            let redeemed = grants.redeem(code, redirect_uri, parameter("code_verifier"));
            redeemed.map_or_else(
                || refused_grant("The code, its redirect_uri or its code_verifier is wrong"),
                |(tokens, consent)| {
                    let mut answer = granted(&tokens, rotates);
                    answer["scope"] = json!(consent.scope);
                    json(StatusCode::OK, &answer)
                },
            )
        }
        Some("refresh_token") => {
            let refreshed = grants.refresh(parameter("refresh_token").unwrap_or_default(), rotates);
            refreshed.map_or_else(
                || refused_grant("The refresh token was used, revoked, or never handed out"),
                |tokens| json(StatusCode::OK, &granted(&tokens, rotates)),
            )
        }
        _ => refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Ask with a code"),
    }
}

/// The revocation endpoint.
pub async fn revoke(
    State(grants): State<Arc<Grants>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let form: HashMap<String, String> = parse(body.as_bytes()).into_owned().collect();
    if !is_client(&headers, &form) {
        return refused(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "This is not the demo's client",
        );
    }
    grants.revoke(form.get("token").map_or("", String::as_str));
    StatusCode::OK.into_response()
}

/// The API: it says who the user is to a client with a valid token or key.
pub async fn me(
    State(grants): State<Arc<Grants>>,
    Path(provider): Path<String>,
    headers: HeaderMap,
) -> Response {
    let token = header(&headers).strip_prefix("Bearer ").unwrap_or_default();
    let is_good =
        if provider == API_KEY_PROVIDER { token == API_KEY } else { grants.is_good(token) };
    if !is_good {
        return refused(StatusCode::UNAUTHORIZED, "invalid_token", "No good token or key was sent");
    }
    json(StatusCode::OK, &json!({ "id": "demo-user", "name": "Ada Demo" }))
}

/// Whether the request has the client's id and secret, in its header or its body (RFC 6749 section
/// 2.3.1).
fn is_client(headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
    let basic = header(headers).strip_prefix("Basic ");
    let basic = basic.and_then(|basic| String::from_utf8(STANDARD.decode(basic).ok()?).ok());
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (id, secret) =
        if let Some((id, secret)) = basic.as_deref().and_then(|basic| basic.split_once(':')) {
            (decoded(id), decoded(secret))
        } else {
            let field = |name: &str| form.get(name).cloned().unwrap_or_default();
            (field("client_id"), field("client_secret"))
        };
    (id.as_str(), secret.as_str()) == CLIENT
}

fn header(headers: &HeaderMap) -> &str {
    headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn granted(tokens: &Tokens, rotates: bool) -> Value {
    json!({
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": if rotates { SHORT_LIFE } else { LIFE },
        "refresh_token": tokens.refresh,
    })
}

fn refused_grant(description: &str) -> Response {
    refused(StatusCode::BAD_REQUEST, "invalid_grant", description)
}

/// An error (RFC 6749 section 5.2).
fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    json(status, &json!({ "error": error, "error_description": description }))
}

fn json(status: StatusCode, body: &Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}
