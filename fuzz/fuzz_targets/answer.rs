//! From an event to its answer: whatever a client sends, the answer's status is below 500, its body
//! is JSON unless it is for a browser, and an error contains no credential. Answers for browsers
//! have the headers of docs/security.md, and no credential either.
//!
//! An input is text like a request. Its first character selects the route, the rest of its first
//! line is the query; then come headers, an empty line, and the body. The header `path` is the
//! value of the path's parameter:
//!
//! ```text
//! 0a=1
//! authorization: Bearer {key}
//! content-type: application/json
//!
//! {"tags":{}}
//! ```
//!
//! In the header `authorization`, `{key}`, `{key_no_scope}` and `{token}` stand for credentials of
//! the run, as does `{token}` in the query parameter `connect_session_token`. They are not replaced
//! elsewhere, because a page may show what a provider or a browser sent.

#![no_main]

use std::cell::RefCell;
use std::sync::LazyLock;

use api::Timestamp;
use api::settings::Settings;
use aws_sdk_dynamodb::config::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::Context;
use libfuzzer_sys::fuzz_target;
use local::State;
use local::dynamodb::{self, Engine};
use local::kms::Kms;
use local::routes::ROUTES;
use serde_json::{Map, Value, json};
use session::secret_key::SecretKey;
use tokio::runtime::{Builder, Runtime};

/// The routes that answer browsers, with pages, pictures and redirects.
const PAGES: [&str; 3] = ["/oauth/", "/connect-ui", "/images/"];

/// The service with an engine in memory, and valid credentials.
struct World {
    state: &'static State,
    _kms: Kms,
    now: Timestamp,
    key: String,
    key_no_scope: String,
    /// The token of a live session.
    token: RefCell<String>,
    _engine: Engine,
}

fuzz_target!(|input: &[u8]| {
    thread_local! {
        static STARTED: LazyLock<(Runtime, World)> = LazyLock::new(|| {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let world = runtime.block_on(World::start());
            (runtime, world)
        });
    }
    STARTED.with(|started| started.0.block_on(started.1.hold(input)));
});

/// A function's answer.
struct Answer {
    status: u64,
    headers: Map<String, Value>,
    body: String,
}

impl Answer {
    /// A header, empty if there is none.
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn hold_json(&self) {
        let body: Value = serde_json::from_str(&self.body).expect("JSON");
        assert_eq!(body["error"]["code"].is_string(), self.status >= 300, "{body}");
    }

    /// Checks an answer for a browser. A flow's answers may be neither framed nor cached; the page
    /// and the pictures of the Connect UI may be framed, and cached if they are the same for all.
    fn hold_browser(&self, is_flow: bool) {
        let headers = &self.headers;
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{headers:?}");
        let is_kept = self.header("cache-control") != "no-store";
        assert!(!is_kept || (!is_flow && self.status == 200), "{headers:?}");
        let policy = self.header("content-security-policy");
        match self.header("content-type") {
            "text/html; charset=utf-8" => {
                assert!(!is_kept, "{headers:?}");
                assert_eq!(self.header("referrer-policy"), "no-referrer");
                let ancestors =
                    if is_flow { "frame-ancestors 'none'" } else { "frame-ancestors *" };
                for part in
                    ["default-src 'none'", "base-uri 'none'", "form-action 'none'", ancestors]
                {
                    assert!(policy.split("; ").any(|known| known == part), "{policy}");
                }
                assert!(!policy.contains("unsafe-"), "{policy}");
                assert_eq!(self.header("x-frame-options"), if is_flow { "DENY" } else { "" });
            }
            "text/plain; charset=utf-8" => {
                assert!(is_flow && matches!(self.status, 302 | 303), "{headers:?}");
                assert_eq!(self.header("referrer-policy"), "no-referrer");
                assert!(self.body.ends_with(self.header("location")), "{headers:?}");
            }
            "application/json" | "application/json; charset=utf-8" if self.status == 200 => {
                assert!(!is_flow);
                serde_json::from_str::<Map<_, Value>>(&self.body).expect("an object");
            }
            "application/json" | "application/json; charset=utf-8" => self.hold_json(),
            "text/javascript; charset=utf-8" | "text/css; charset=utf-8" | "image/svg+xml" => {
                assert!(!is_flow && self.status == 200);
            }
            other => panic!("{other} {}", self.body),
        }
    }
}

impl World {
    async fn start() -> Self {
        let engine = Engine::start(None).await.expect("an engine");
        let credentials = Credentials::new("fuzz", "fuzz", None, None, "fuzz");
        let client = dynamodb::client(&engine.url(), "us-east-1".to_owned(), credentials);
        let settings = Settings::read(|name| match name {
            "SESSIONS_TABLE" => Some("sessions".to_owned()),
            "REGISTRY_TABLE" => Some("registry".to_owned()),
            "CONNECTIONS_TABLE" => Some("connections".to_owned()),
            "EVENTS_TABLE" => Some("events".to_owned()),
            "KMS_KEY_ID" => Some(local::kms::KEY_ID.to_owned()),
            "CONNECT_UI_URL" => Some("http://localhost:3009".to_owned()),
            _ => None,
        });
        let settings = settings.expect("good settings");
        dynamodb::create_tables(&client, &settings).await.expect("tables");
        let kms = Kms::start(None).await.expect("KMS");
        let state = local::state(settings, client, &kms).expect("good settings");

        let world = Self {
            state,
            _kms: kms,
            now: "2026-11-22T12:38:27.690Z".parse().expect("a moment"),
            key: SecretKey::generate().expose().to_owned(),
            key_no_scope: SecretKey::generate().expose().to_owned(),
            token: RefCell::default(),
            _engine: engine,
        };
        let client = json!({ "type": "OAUTH2", "client_id": "id", "client_secret": "secret" });
        let keys = ["github", "slack", "my integration", "hubspot", "a"];
        let document = json!({ "environments": [ {
            "name": "dev",
            "secret_keys": [
                { "name": "server", "secret": world.key },
                { "name": "no scope", "secret": world.key_no_scope, "scopes": [] },
            ],
            "integrations": keys
                .map(|key| json!({ "unique_key": key, "provider": "unauthenticated" }))
                .into_iter()
                .chain([json!({ "unique_key": "oauth", "provider": "github", "credentials": client })])
                .collect::<Vec<_>>(),
            "connections": [ { "connection_id": "conn-1", "integration_id": "github" } ],
        } ] });
        provision::apply(&state.connect.app, &state.connect.vault, document, world.now)
            .await
            .expect("a good document");
        world.renew_token().await;
        world
    }

    /// Sends the request that the input describes, and checks the answer.
    async fn hold(&self, input: &[u8]) {
        let (head, body) = split(input, b"\n\n");
        let head = String::from_utf8_lossy(head);
        let (first, headers) = head.split_once('\n').unwrap_or((&head, ""));
        let mut first = first.chars();
        let route = first.next().and_then(|c| c.to_digit(36)).unwrap_or(0) as usize % ROUTES.len();
        let headers = headers.lines().map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            let name = name.to_lowercase();
            let value = if name == "authorization" { self.filled(value) } else { value.to_owned() };
            (name, json!(value))
        });
        let query = first.as_str().split('&').map(|parameter| match parameter {
            "connect_session_token={token}" => self.filled(parameter),
            other => other.to_owned(),
        });
        let query = query.collect::<Vec<_>>().join("&");
        let answer = self.send(route, &query, headers.collect(), body).await;

        assert!(answer.status < 500, "{}: {}", answer.status, answer.body);
        let (method, path) = ROUTES[route].0.split_once(' ').expect("a route");
        let is_for_browsers = PAGES.iter().any(|page| path.starts_with(page));
        if answer.status == 204 || method == "HEAD" {
            assert_eq!(answer.body, "");
        } else if is_for_browsers {
            answer.hold_browser(path.starts_with("/oauth/"));
        } else {
            answer.hold_json();
        }
        if answer.status >= 300 || is_for_browsers {
            for credential in [&self.key, &self.key_no_scope, &*self.token.borrow()] {
                assert!(!answer.body.contains(credential), "{}", answer.body);
            }
        }
        match answer.status {
            201 if path.starts_with("/connect/sessions") => self.read_and_end(&answer.body).await,
            204 => self.renew_token().await,
            _ => {}
        }
    }

    /// A session that was made can be read and ended. It must be, or the engine fills up.
    async fn read_and_end(&self, minted: &str) {
        let minted: Value = serde_json::from_str(minted).expect("JSON");
        let token = minted["data"]["token"].as_str().expect("a token");
        for (route, status) in [(2, 200), (4, 204), (2, 401)] {
            let authorization = ("authorization".to_owned(), json!(format!("Bearer {token}")));
            let answer = self.send(route, "", Map::from_iter([authorization]), b"").await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
    }

    async fn renew_token(&self) {
        let headers = [
            ("authorization".to_owned(), json!(format!("Bearer {}", self.key))),
            ("content-type".to_owned(), json!("application/json")),
        ];
        let answer = self.send(0, "", Map::from_iter(headers), br#"{"tags":{}}"#).await;
        let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
        let token = answer["data"]["token"].as_str().expect("a token");
        token.clone_into(&mut self.token.borrow_mut());
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{key}", &self.key)
            .replace("{key_no_scope}", &self.key_no_scope)
            .replace("{token}", &self.token.borrow())
    }

    /// Invokes a function with the event that API Gateway makes of a request.
    async fn send(
        &self,
        route: usize,
        query: &str,
        headers: Map<String, Value>,
        body: &[u8],
    ) -> Answer {
        let (key, answer) = ROUTES[route];
        let (method, path) = key.split_once(' ').expect("a route");
        let named = path.split_once('{').and_then(|(_, name)| name.split_once('}'));
        let value = headers.get("path").cloned().unwrap_or_else(|| json!("github"));
        let parameters = named.map(|(name, _)| (name.trim_end_matches('+').to_owned(), value));
        let parameters: Map<_, _> = parameters.into_iter().collect();
        let mut event = json!({
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "pathParameters": parameters,
            "requestContext": {
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "fuzz",
                },
                "domainName": headers.get("host").cloned().unwrap_or_default(),
                "requestId": "id",
                "routeKey": key,
                "stage": "$default",
                "timeEpoch": self.now.as_millisecond(),
            },
            "isBase64Encoded": false,
        });
        match str::from_utf8(body) {
            Ok("") => {}
            Ok(text) => event["body"] = json!(text),
            Err(_) => {
                event["body"] = json!(STANDARD.encode(body));
                event["isBase64Encoded"] = json!(true);
            }
        }
        let answered = answer(self.state, event.to_string(), Context::default(), self.now).await;
        let answer: Value = serde_json::from_str(&answered.expect("an answer")).expect("JSON");
        Answer {
            status: answer["statusCode"].as_u64().expect("a status"),
            headers: answer["headers"].as_object().cloned().unwrap_or_default(),
            body: answer["body"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

/// The text before and after the first `separator`.
fn split<'a>(text: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    match text.windows(separator.len()).position(|window| window == separator) {
        Some(at) => (&text[..at], &text[at + separator.len()..]),
        None => (text, b""),
    }
}
