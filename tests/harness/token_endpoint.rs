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
    /// How long the endpoint waits before it answers.
    pub after: Duration,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl TokenReply {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { after: Duration::ZERO, status, body: body.to_string() }
    }

    /// An access token that lives an hour, with further fields.
    #[expect(clippy::needless_pass_by_value, reason = "tests pass what they have just written")]
    pub fn token(access_token: &str, more: Value) -> Self {
        let mut body = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 3_600,
        });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        Self::json(200, &body)
    }

    /// The same after a delay.
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
    /// The value of `Authorization`.
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

/// A token endpoint. It listens as long as the test's runtime lives.
#[derive(Clone)]
pub struct TokenEndpoint {
    /// Its URL.
    pub url: String,
    requests: Arc<Mutex<Vec<TokenRequest>>>,
    answer: Arc<Mutex<Answer>>,
}

impl TokenEndpoint {
    /// An endpoint whose answers `answer` gives, called with the number of the request from 1 on.
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

    /// Replaces the answers from now on. The numbers of the requests continue.
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
