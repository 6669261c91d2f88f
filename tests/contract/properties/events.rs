//! The events of API Gateway, whatever the client put into them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api::request::path_parameter;
use axum::body::{Bytes, to_bytes};
use axum::http::{HeaderValue, Request, Uri};
use lambda_http::Context;
use local::gateway;
use local::routes::ROUTES;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::{check, json, key, near, object, text, world};

/// The headers that the service reads.
const HEADERS: [&str; 10] = [
    "authorization",
    "content-type",
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "host",
    "cookie",
    "x-forwarded-proto",
    "x-amzn-trace-id",
    "user-agent",
];

/// A random request. `{key}` and `{token}` stand for valid credentials.
#[derive(Debug, Clone)]
struct Draft {
    route: usize,
    headers: Vec<(&'static str, Vec<u8>)>,
    query: Vec<u8>,
    body: Vec<u8>,
}

#[test]
fn any_bytes_in_a_request_are_answered() {
    let (runtime, world) = world();
    check(draft(), &["answered", "400", "401", "415"], |draft| {
        runtime.block_on(async {
            let draft = draft.filled().await;
            let (method, path) = ROUTES[draft.route].0.split_once(' ').expect("a route");
            let mut request = Request::new(Bytes::from(draft.body));
            *request.method_mut() = method.parse().expect("a method");
            let with_query = [path.as_bytes(), b"?", &draft.query].concat();
            *request.uri_mut() =
                Uri::try_from(with_query).unwrap_or_else(|_| Uri::from_static(path));
            for (name, value) in draft.headers {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    request.headers_mut().append(name, value);
                }
            }
            let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);
            let response = gateway::respond(world.state, request, peer, world.now).await;
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
            judge((method, path), status, str::from_utf8(&body).expect("UTF-8"))
        })
    });
}

#[test]
fn any_text_in_an_event_is_answered() {
    let (runtime, world) = world();
    check(draft(), &["answered", "400", "401", "415"], |draft| {
        runtime.block_on(async {
            let draft = draft.filled().await;
            let (route, answer) = ROUTES[draft.route];
            let (method, path) = route.split_once(' ').expect("a route");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let mut event = event(route);
            event["rawQueryString"] = json!(text(&draft.query));
            event["body"] = json!(text(&draft.body));
            for (name, value) in &draft.headers {
                event["headers"][name] = json!(text(value));
            }
            let context = Context::default();
            let answered = answer(world.state, event.to_string(), context, world.now).await;
            let answer: Value = serde_json::from_str(&answered.expect("an answer")).expect("JSON");
            assert_eq!(answer["isBase64Encoded"], false);
            let status = answer["statusCode"].as_u64().expect("a status");
            let body = answer["body"].as_str().unwrap_or_default();
            judge((method, path), u16::try_from(status).expect("a status"), body)
        })
    });
}

#[test]
fn reading_any_text_as_an_event_does_not_panic() {
    let events = (odd_event(), vec((any::<Index>(), any::<char>()), 0..3));
    let events = events.prop_map(|(event, edits)| {
        let mut event: Vec<char> = event.to_string().chars().collect();
        for (at, c) in edits {
            let at = at.index(event.len());
            event[at] = c;
        }
        String::from_iter(event)
    });
    let texts =
        prop_oneof![4 => events, 1 => json().prop_map(|json| json.to_string()), 1 => text()];
    check(texts, &["an event", "none"], |text| convert(&text));
}

#[test]
fn an_event_of_any_strings_becomes_a_request() {
    check(odd_event(), &["an event"], |event| {
        let read = api::event::read(&event.to_string()).map(lambda_http::Request::from);
        let parameter = read.and_then(|request| path_parameter(&request, "name"));
        assert_eq!(parameter.as_deref(), event["pathParameters"]["name"].as_str());
        convert(&event.to_string())
    });
}

#[test]
fn an_event_whose_base64_is_broken_is_none() {
    let event = |body: &str| {
        let mut event = event("POST /connect/sessions");
        event["body"] = json!(body);
        event["isBase64Encoded"] = json!(true);
        event.to_string()
    };
    check(near("([a-zA-Z0-9+/]{4}){0,3}"), &["an event", "none"], |body| convert(&event(&body)));
}

fn convert(event: &str) -> &'static str {
    match api::event::read(event) {
        Some(event) => {
            let request = lambda_http::Request::from(event);
            assert_eq!(request.uri().path(), "/");
            "an event"
        }
        None => "none",
    }
}

/// The routes that answer with pages, pictures and redirects.
const PAGES: [&str; 3] = ["/oauth/", "/connect-ui", "/images/"];

fn judge((method, path): (&str, &str), status: u16, body: &str) -> &'static str {
    if status == 204 || method == "HEAD" {
        assert_eq!(body, "");
    } else if !PAGES.iter().any(|page| path.starts_with(page)) {
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["error"]["code"].is_string(), status >= 300, "{body}");
    }
    match status {
        200 | 201 | 204 | 302 | 303 => "answered",
        // A key that lacks a scope, and what is not there, are refused as clearly as bad input.
        400 | 403 | 404 => "400",
        401 => "401",
        415 => "415",
        _ => panic!("{status}: {body}"),
    }
}

impl Draft {
    /// The request with valid credentials. The token is new, because the case may end its session.
    async fn filled(mut self) -> Self {
        let (_, world) = world();
        let token = world.mint(json!({ "tags": {} })).await;
        for (_, value) in &mut self.headers {
            *value = replaced(value, b"{key}", world.secret_key.as_bytes());
            *value = replaced(value, b"{token}", token.as_bytes());
        }
        self
    }
}

fn replaced(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    match text.windows(what.len()).position(|window| window == what) {
        Some(at) => [&text[..at], with, &text[at + what.len()..]].concat(),
        None => text.to_owned(),
    }
}

fn draft() -> impl Strategy<Value = Draft> {
    let good = |name: &'static str, value: &'static str| {
        option::weighted(0.7, Just((name, value.as_bytes().to_owned())))
    };
    let headers = (
        good("content-type", "application/json"),
        good("authorization", "Bearer {key}"),
        vec((select(&HEADERS[..]), bytes()), 0..3),
    );
    let headers = headers.prop_map(|(content_type, authorization, others)| {
        content_type.into_iter().chain(authorization).chain(others).collect()
    });
    let query = prop_oneof![2 => Just(Vec::new()), 1 => bytes()];
    let body = prop_oneof![
        3 => Just(br#"{"tags":{}}"#.to_vec()),
        1 => Just(b"{}".to_vec()),
        1 => Just(Vec::new()),
        1 => bytes(),
    ];
    (0..ROUTES.len(), headers, query, body).prop_map(|(route, headers, query, body)| {
        // Keys and tokens are for different routes.
        let is_post = ROUTES[route].0.starts_with("POST");
        let headers: Vec<(&'static str, Vec<u8>)> = headers;
        let headers = headers.into_iter().map(|(name, value)| {
            (name, if is_post { value } else { replaced(&value, b"{key}", b"{token}") })
        });
        Draft { route, headers: headers.collect(), query, body }
    })
}

/// Meaningful pieces, and any bytes.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&str; 30] = [
        "Bearer ",
        "bearer ",
        "Basic ",
        "{key}",
        "{token}",
        "nango_sbx_v1_",
        "application/json",
        "Application/JSON",
        "text/plain",
        ";",
        "charset=",
        "utf-8",
        "\"",
        "latin1",
        "gzip",
        "identity",
        ",",
        " ",
        "\t",
        "0",
        "=",
        "&",
        "[",
        "]",
        "%5B",
        "%",
        "'",
        "é",
        "{\"",
        "[1]:99999",
    ];
    let piece = prop_oneof![
        3 => select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_owned()),
        1 => vec(any::<u8>(), 0..4),
        1 => text().prop_map(String::into_bytes),
    ];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// The event of a route, as API Gateway makes it.
fn event(route: &str) -> Value {
    let (method, path) = route.split_once(' ').expect("a route");
    json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": route,
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1_583_348_638_390_i64,
        },
        "isBase64Encoded": false,
    })
}

/// An event with any strings in the parts that a client controls.
fn odd_event() -> impl Strategy<Value = Value> {
    let long = (select(&["'", "a", "%", "é", "&"][..]), 0..70_000_usize)
        .prop_map(|(piece, times)| piece.repeat(times));
    let query = prop_oneof![4 => near(text()), 1 => long];
    let name = prop_oneof![3 => select(&HEADERS[..]).prop_map(str::to_owned), 1 => key()];
    let headers = vec((name, near(text())), 0..5);
    let places = (near(text()), near(text()), near(text()), vec(text(), 0..3));
    (0..ROUTES.len(), query, headers, places, option::of(near(text())), object()).prop_map(
        |(route, query, headers, (path, domain, stage, cookies), body, parameters)| {
            let mut event = event(ROUTES[route].0);
            event["rawQueryString"] = json!(query);
            event["rawPath"] = json!(path);
            event["requestContext"]["http"]["path"] = json!(path);
            event["requestContext"]["http"]["userAgent"] = json!(domain);
            event["requestContext"]["domainName"] = json!(domain);
            event["requestContext"]["stage"] = json!(stage);
            for (name, value) in headers {
                event["headers"][name] = json!(value);
            }
            event["cookies"] = json!(cookies);
            let parameters = parameters.keys().map(|name| (name.clone(), json!(path)));
            event["queryStringParameters"] = Value::Object(parameters.collect());
            event["pathParameters"] = json!({ "name": path });
            if let Some(body) = body {
                event["body"] = json!(body);
            }
            event
        },
    )
}
