//! A receiver of webhooks and a page that shows them, so that trying them needs no tunnel. The page
//! shows the last hundred, each with its body, its headers, whether its signature is valid, and how
//! the inbox answered. The inbox can be set to answer 500, 410 or slowly.
//!
//! `POST /local/inbox` receives a webhook, `GET /local/inbox` is the page.

mod page;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::Timestamp;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use connect::Connect;
use deliver_webhooks::signature::{hmac_sha256, standard_key};
use deliver_webhooks::{Keys, signing_keys};
use serde_json::Value;
use standardwebhooks::Webhook;
use tables::record::{Key, Record};

/// Where webhooks are received, and where the page is.
pub const PATH: &str = "/local/inbox";

/// How many webhooks are kept.
const KEPT_MAX: usize = 100;

/// How long a slow answer takes: longer than `deliver-webhooks` waits.
const SLOW: Duration = Duration::from_secs(25);

/// How the inbox answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 200.
    Ok,
    /// 500: the webhook is sent again.
    Failed,
    /// 410: the webhook is not sent again.
    Gone,
    /// 200 after [`SLOW`].
    Slow,
}

impl Answer {
    /// Every answer, with its value in the page's form and its label.
    const ALL: [(Self, &str, &str); 4] = [
        (Self::Ok, "200", "200: it has arrived"),
        (Self::Failed, "500", "500: it comes again"),
        (Self::Gone, "410", "410: it does not come again"),
        (Self::Slow, "slow", "200 after 25 seconds, which is too late"),
    ];

    fn status(self) -> StatusCode {
        match self {
            Self::Ok | Self::Slow => StatusCode::OK,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Gone => StatusCode::GONE,
        }
    }
}

/// A received webhook.
struct Received {
    at: Timestamp,
    headers: Vec<(String, String)>,
    body: String,
    signature: &'static str,
    answer: Answer,
}

/// The received webhooks, the newest first, and how the next one is answered.
struct Inbox {
    connect: &'static Connect,
    clock: fn() -> Timestamp,
    state: Mutex<(VecDeque<Received>, Answer)>,
}

/// The inbox's routes.
pub fn routes(connect: &'static Connect, clock: fn() -> Timestamp) -> Router {
    let state = Mutex::new((VecDeque::new(), Answer::Ok));
    Router::new()
        .route(PATH, get(show).post(receive))
        .route("/local/inbox/answer", post(choose))
        .with_state(Arc::new(Inbox { connect, clock, state }))
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<Received>, Answer)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The signing keys of the environment that a webhook names.
    async fn keys(&self, body: &str) -> Option<Keys> {
        let body: Value = serde_json::from_str(body).ok()?;
        let name = Key::name(body["environment"].as_str()?);
        let tables = &self.connect.app.tables;
        let found = tables.registry_items(vec![name]).await.ok()?;
        let Record::Name { environment_id, .. } = found.into_values().next()?.record else {
            return None;
        };
        let environment = tables.environment(environment_id).await.ok()??;
        signing_keys(self.connect, &environment, (self.clock)()).await.ok()
    }
}

/// Logs what a webhook says, for those who look at the terminal and not at the page.
fn log(body: &str) {
    let Ok(told) = serde_json::from_str::<Value>(body) else { return };
    let text = |name: &str| told[name].as_str().unwrap_or_default();
    tracing::info!(
        operation = text("operation"),
        success = told["success"].as_bool(),
        integration = text("providerConfigKey"),
        connection_id = text("connectionId"),
        tags = %told["tags"],
        "webhook in the inbox"
    );
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    log(&body);
    let signature = match inbox.keys(&body).await {
        Some(keys) => judge(&keys, &headers, &body),
        None => "of no environment that exists here",
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers =
        headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    let answer = {
        let (received, answer) = &mut *inbox.lock();
        received.push_front(Received {
            at: (inbox.clock)(),
            headers,
            body,
            signature,
            answer: *answer,
        });
        received.truncate(KEPT_MAX);
        *answer
    };
    if answer == Answer::Slow {
        tokio::time::sleep(SLOW).await;
    }
    answer.status().into_response()
}

/// Which of the two signatures were made with a key of the environment.
fn judge(keys: &Keys, headers: &HeaderMap, body: &str) -> &'static str {
    let sent = headers.get("x-nango-hmac-sha256").and_then(|value| value.to_str().ok());
    let holds = |key: &String| {
        Webhook::from_bytes(standard_key(key))
            .is_ok_and(|webhook| webhook.verify(body.as_bytes(), headers).is_ok())
    };
    let is_standard = keys.current.iter().chain(&keys.next).any(holds);
    let is_hmac = keys.current.as_ref().is_some_and(|key| sent == Some(&hmac_sha256(key, body)));
    match (is_hmac, is_standard) {
        (true, true) => "good: X-Nango-Hmac-Sha256 and webhook-signature",
        (true, false) => "X-Nango-Hmac-Sha256 is good, webhook-signature is not",
        (false, true) => "webhook-signature is good, X-Nango-Hmac-Sha256 is not",
        (false, false) => "not good",
    }
}

async fn show(State(inbox): State<Arc<Inbox>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let url = format!("http://{}{PATH}", host.unwrap_or_default());
    let (received, answer) = &*inbox.lock();
    let page = page::page(&url, received, *answer);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, page).into_response()
}

/// Sets how the inbox answers, from the page's form: `answer=500`.
async fn choose(State(inbox): State<Arc<Inbox>>, body: Bytes) -> Response {
    let chosen = url::form_urlencoded::parse(&body).find(|(name, _)| name == "answer");
    let known = Answer::ALL
        .iter()
        .find(|(_, value, _)| chosen.as_ref().is_some_and(|(_, chosen)| chosen == value));
    let Some((answer, ..)) = known else { return StatusCode::BAD_REQUEST.into_response() };
    inbox.lock().1 = *answer;
    (StatusCode::SEE_OTHER, [(header::LOCATION, PATH)]).into_response()
}
