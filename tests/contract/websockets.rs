//! Sockets: a client receives its id, and the outcome of one flow (section 8 of the flow).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use local::websockets;
use serde_json::{Value, json};
use sockets::{Sockets, Undelivered};
use tests::{Socket, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

fn success() -> Value {
    json!({
        "message_type": "success",
        "provider_config_key": "github",
        "connection_id": "c1",
        "is_pending": false,
    })
}

async fn open(address: SocketAddr) -> Socket {
    Socket::open(address, "/", &[]).await.expect("a socket")
}

// D20 D53
#[tokio::test]
async fn a_socket_is_told_its_id_and_one_outcome() {
    let world = World::start().await;
    let sockets = websockets::sockets(Some(world.websockets.url()));
    let address = world.serve().await;
    let mut socket = open(address).await;
    let id = socket.id.clone();
    assert_eq!(Uuid::parse_str(&id).expect("a UUID").get_version_num(), 4);
    let acknowledgement = json!({ "message_type": "connection_ack", "ws_client_id": id });
    assert_eq!(socket.acknowledgement, acknowledgement);
    assert!(socket.is_silent().await);

    sockets.post(&id, &success()).await;
    assert_eq!(socket.message().await, success());
    // A second flow that names it sends nothing, though the socket stays open.
    sockets.post(&id, &json!({ "message_type": "error" })).await;
    assert!(socket.is_silent().await);
}

#[tokio::test]
async fn flows_that_end_together_send_one_message() {
    let world = World::start().await;
    let sockets = websockets::sockets(Some(world.websockets.url()));
    let mut socket = open(world.serve().await).await;
    let id = socket.id.clone();
    let message = success();
    futures_util::future::join_all((0..8).map(|_| sockets.post(&id, &message))).await;
    assert_eq!(socket.message().await, message);
    assert!(socket.is_silent().await);
}

#[tokio::test]
async fn what_a_client_sends_is_ignored() {
    let world = World::start().await;
    let sockets = websockets::sockets(Some(world.websockets.url()));
    let mut socket = open(world.serve().await).await;
    for message in ["", "ping", r#"{"message_type":"success"}"#, &"x".repeat(100_000)] {
        socket.send(Message::text(message)).await;
        socket.send(Message::binary(message.as_bytes().to_vec())).await;
    }
    assert!(socket.is_silent().await);
    sockets.post(&socket.id, &success()).await;
    assert_eq!(socket.message().await, success());
}

#[tokio::test]
async fn each_socket_gets_its_own_messages() {
    let world = World::start().await;
    let sockets = websockets::sockets(Some(world.websockets.url()));
    let address = world.serve().await;
    let (mut one, mut other) = (open(address).await, open(address).await);
    assert_ne!(one.id, other.id);
    sockets.post(&one.id, &success()).await;
    assert_eq!(one.message().await, success());
    assert!(other.is_silent().await);
}

#[tokio::test]
async fn a_closed_socket_is_gone() {
    let world = World::start().await;
    let sockets = websockets::sockets(Some(world.websockets.url()));
    let socket = open(world.serve().await).await;
    let id = socket.id.clone();
    assert_eq!(sockets.acknowledge(&id).await, Ok(()));
    let socket = open(world.serve().await).await;
    let id = socket.id.clone();
    socket.close().await;
    // The server's side ends a moment after the client's.
    while world.websockets.hub.forget(&id) {
        tokio::task::yield_now().await;
    }
    assert_eq!(sockets.acknowledge(&id).await, Err(Undelivered::Gone));
    sockets.post(&id, &success()).await;
}

#[tokio::test]
async fn only_the_exact_path_is_upgraded() {
    for (configured, good, bad) in [
        ("/", ["/", "/?a=b"], ["//", "/ws", "/x", "/connect/session"]),
        ("/ws", ["/ws", "/ws?token=x"], ["/", "/ws/", "/WS", "//"]),
    ] {
        let world = World::with(|name| (name == "WEBSOCKETS_PATH").then_some(configured)).await;
        let address = world.serve().await;
        for path in good {
            let headers = [("origin", "https://elsewhere.example")];
            let socket = Socket::open(address, path, &headers).await.expect(path);
            assert_eq!(socket.acknowledgement["message_type"], "connection_ack");
        }
        for path in bad {
            let answer = Socket::open(address, path, &[]).await.expect_err(path);
            assert_eq!(answer.0, 400, "{path}");
        }
    }
}

/// The answer to exactly this request.
async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("a write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the end of the connection");
    answer
}

#[tokio::test]
async fn a_refused_upgrade_is_answered_bad_request_and_the_connection_closed() {
    let world = World::start().await;
    let address = world.serve().await;
    let upgrade = "host: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n";
    let key = "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for request in [
        format!("GET /nope HTTP/1.1\r\n{upgrade}{key}\r\n"),
        format!("GET /connect/session HTTP/1.1\r\n{upgrade}{key}\r\n"),
        // No handshake of RFC 6455 (section 4.2.1).
        format!("GET / HTTP/1.1\r\n{upgrade}\r\n"),
        format!("POST / HTTP/1.1\r\ncontent-length: 0\r\n{upgrade}{key}\r\n"),
    ] {
        let answer = raw(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        let answer = answer.to_lowercase();
        assert!(answer.contains("\r\ncontent-type: text/html\r\n"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nbad request"), "{answer}");
    }
    // An upgrade to another protocol is declined by a normal answer (RFC 9110 section 7.8).
    let other = "host: a\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n";
    let answer = raw(address, &format!("GET /nope HTTP/1.1\r\n{other}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
}

/// A management endpoint that gives these answers, one after the other, and then 200.
#[derive(Clone, Default)]
struct Endpoint {
    answers: Arc<Vec<u16>>,
    calls: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    async fn start(answers: &[u16]) -> (Self, Sockets) {
        let endpoint = Self { answers: Arc::new(answers.to_vec()), ..Self::default() };
        let service = Router::new().fallback(Self::answer).with_state(endpoint.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/stage", listener.local_addr().expect("an address"));
        tokio::spawn(async { axum::serve(listener, service).await });
        (endpoint, websockets::sockets(Some(url)))
    }

    #[expect(clippy::unused_async, reason = "a handler of axum")]
    async fn answer(State(endpoint): State<Self>, request: Request) -> StatusCode {
        let line = format!("{} {}", request.method(), request.uri());
        endpoint.requests.lock().expect("no panic").push(line);
        let call = endpoint.calls.fetch_add(1, Ordering::SeqCst);
        let status = endpoint.answers.get(call).copied().unwrap_or(200);
        StatusCode::from_u16(status).expect("a status")
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().expect("no panic"))
    }
}

// D53
#[tokio::test]
async fn an_outcome_is_posted_and_the_connection_closed() {
    let (endpoint, sockets) = Endpoint::start(&[]).await;
    sockets.post("L0SM9cOFvHcCIhw=", &success()).await;
    let path = "/stage/@connections/L0SM9cOFvHcCIhw%3D";
    assert_eq!(endpoint.requests(), [format!("POST {path}"), format!("DELETE {path}")]);
}

#[tokio::test]
async fn no_failure_of_the_endpoint_reaches_the_caller() {
    // Refused, gone, and a failure that is tried three times.
    for (answers, requests) in
        [(vec![403], 1), (vec![410], 1), (vec![500; 3], 3), (vec![503; 3], 3)]
    {
        let (endpoint, sockets) = Endpoint::start(&answers).await;
        sockets.post("id", &success()).await;
        assert_eq!(endpoint.requests().len(), requests, "{answers:?}");
    }
    let nobody = websockets::sockets(Some("http://127.0.0.1:1".to_owned()));
    nobody.post("id", &success()).await;
}

#[tokio::test]
async fn an_id_that_is_none_is_not_asked_for() {
    let (endpoint, sockets) = Endpoint::start(&[]).await;
    let long = "a".repeat(129);
    for id in ["", ".", "..", "a b", "a?b", "a#b", "ü", "a\r\nb: c", "a%2F..", &long] {
        sockets.post(id, &success()).await;
    }
    assert_eq!(endpoint.requests(), Vec::<String>::new());
    // A slash cannot lead to another path.
    sockets.post("a/b", &success()).await;
    assert_eq!(endpoint.requests()[0], "POST /stage/@connections/a%2Fb");
}

#[tokio::test]
async fn without_an_api_there_are_no_sockets() {
    let sockets = websockets::sockets(None);
    sockets.post("id", &success()).await;
    assert_eq!(sockets.acknowledge("id").await, Err(Undelivered::Gone));
}

async fn greet(sockets: &Sockets, event: Value) {
    let (now, time) = (Timestamp::UNIX_EPOCH, Duration::from_secs(10));
    let answer = greet_websocket::handle(sockets, event, now, time).await;
    assert_eq!(answer.ok(), Some(Value::Null));
}

#[tokio::test]
async fn a_greeting_waits_until_the_connection_stands() {
    let (endpoint, sockets) = Endpoint::start(&[410, 410, 410]).await;
    greet(&sockets, json!({ "connectionId": "L0SM9cOFvHcCIhw=" })).await;
    // The socket is not closed afterwards.
    let post = "POST /stage/@connections/L0SM9cOFvHcCIhw%3D";
    assert_eq!(endpoint.requests(), [post; 4]);
}

#[tokio::test]
async fn a_greeting_reaches_the_socket() {
    let world = World::start().await;
    let sockets = websockets::sockets(Some(world.websockets.url()));
    let mut socket = open(world.serve().await).await;
    greet(&sockets, json!({ "connectionId": socket.id })).await;
    assert_eq!(socket.message().await, socket.acknowledgement);
}

#[tokio::test]
async fn a_greeting_of_nobody_ends() {
    let (endpoint, sockets) = Endpoint::start(&[410; 20]).await;
    greet(&sockets, json!({ "connectionId": "id" })).await;
    assert_eq!(endpoint.requests().len(), 8);
    let (endpoint, sockets) = Endpoint::start(&[403]).await;
    greet(&sockets, json!({ "connectionId": "id" })).await;
    assert_eq!(endpoint.requests().len(), 1);
}
