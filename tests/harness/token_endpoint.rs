//! A token endpoint whose answers a test chooses, one request at a time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// An answer.
#[derive(Debug, Clone)]
pub struct TokenReply {
    /// How long the endpoint thinks.
    pub after: Duration,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl TokenReply {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { after: Duration::ZERO, status, body: body.to_string() }
    }

    /// A token that lives an hour, with what else there is to answer.
    #[expect(clippy::needless_pass_by_value, reason = "tests pass what they have just written")]
    pub fn token(access_token: &str, more: Value) -> Self {
        let mut body = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 3_600,
        });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        Self::json(200, &body)
    }

    /// The same, later.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

/// A request: its body, its `Authorization` header, and its path.
#[derive(Debug, Clone, Default)]
pub struct TokenRequest {
    /// The parameters in their order, where the body is a form.
    pub form: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Its media type.
    pub media_type: String,
    /// The credential of the header.
    pub authorization: Option<String>,
    /// The path.
    pub path: String,
}

impl TokenRequest {
    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Answer = Arc<dyn Fn(usize, &TokenRequest) -> TokenReply + Send + Sync>;

/// The endpoint. It listens for as long as the test's runtime lives.
#[derive(Clone)]
pub struct TokenEndpoint {
    /// Where it listens.
    pub url: String,
    requests: Arc<Mutex<Vec<TokenRequest>>>,
    answer: Arc<Mutex<Answer>>,
}

impl TokenEndpoint {
    /// An endpoint that answers the first request, which is number 1, and each that follows.
    pub async fn start(
        answer: impl Fn(usize, &TokenRequest) -> TokenReply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let endpoint =
            Self { url, requests: Arc::default(), answer: Arc::new(Mutex::new(Arc::new(answer))) };
        let service = Router::new().fallback(respond).with_state(endpoint.clone());
        tokio::spawn(async { axum::serve(listener, service).await });
        endpoint
    }

    /// Answers otherwise from now on. Requests are counted on.
    pub fn answer_with(
        &self,
        answer: impl Fn(usize, &TokenRequest) -> TokenReply + Send + Sync + 'static,
    ) {
        *self.answer.lock().expect("no panic") = Arc::new(answer);
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.requests.lock().expect("no panic").clone()
    }
}

async fn respond(
    State(endpoint): State<TokenEndpoint>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let form = url::form_urlencoded::parse(body.as_bytes());
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let request = TokenRequest {
        form: form.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        body: body.clone(),
        media_type: header("content-type").unwrap_or_default().to_owned(),
        authorization: header("authorization").map(str::to_owned),
        path: uri.path().to_owned(),
    };
    let number = {
        let mut requests = endpoint.requests.lock().expect("no panic");
        requests.push(request.clone());
        requests.len()
    };
    let answer = Arc::clone(&*endpoint.answer.lock().expect("no panic"));
    let reply = answer(number, &request);
    sleep(reply.after).await;
    let status = StatusCode::from_u16(reply.status).expect("a status");
    (status, [("content-type", "application/json")], reply.body).into_response()
}
