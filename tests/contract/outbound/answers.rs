//! The bytes of requests, and answers that are malformed, endless or slow.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, future};
use http::Method;
use outbound::{Error, Lookup, Request};
use tokio::io::AsyncWriteExt;

use super::{ALLOWED, Server, always, client, get, printed, read_request, serve};

const MEGABYTE: usize = 1024 * 1024;

fn quickly(url: &str) -> Request {
    Request { deadline: Duration::from_millis(300), ..get(url) }
}

async fn error(answer: impl Into<Vec<u8>>) -> (Error, Server) {
    let server = Server::start(answer).await;
    let error = client(always(&[ALLOWED])).send(get(&server.url("/"))).await.expect_err("an error");
    (error, server)
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let server =
        Server::start("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok").await;
    let url = server.url("//evil.example/a%2Fb/|x\"?q={1}&r=%20'#fragment");
    let mut request = Request { method: Method::POST, body: "a=b".into(), ..get(&url) };
    for (name, value) in [
        ("host", "evil.example"),
        ("content-length", "99"),
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
        ("accept-encoding", "gzip"),
        ("expect", "100-continue"),
        ("x-key", "\u{e9}"),
    ] {
        request.headers.insert(name, value.parse().expect("a value"));
    }
    let answer = client(always(&[ALLOWED])).send(request).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), &answer.headers["x-a"]), (201, &"b".parse().expect("b")));
    assert_eq!(answer.body, "ok");
    let sent = server.requests().concat();
    let (line, headers) = sent.split_once("\r\n").expect("a request line");
    assert_eq!(line, "post //evil.example/a%2fb/|x%22?q={1}&r=%20%27 http/1.1");
    let (headers, body) = headers.split_once("\r\n\r\n").expect("an end");
    let mut headers: Vec<&str> = headers.lines().collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "connection: close",
            "content-length: 3",
            &format!("host: {}", server.address),
            concat!("user-agent: connect-sessions/", env!("CARGO_PKG_VERSION")),
            "x-key: \u{e9}",
        ]
    );
    assert_eq!(body, "a=b");
}

#[tokio::test]
async fn every_call_has_a_connection_of_its_own() {
    let server = Server::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let client = client(always(&[ALLOWED]));
    for _ in 0..3 {
        client.send(get(&server.url("/"))).await.expect("an answer");
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    for answer in ["", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
    {
        let served = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&served);
        let address = serve(move |mut stream| {
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                read_request(&mut stream).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let url = format!("http://{}/", address.await);
        let request = Request { method: Method::POST, body: "code=1".into(), ..get(&url) };
        let error = client(always(&[ALLOWED])).send(request).await.expect_err("no answer");
        assert!(matches!(error, Error::Protocol { .. }), "{answer}: {error}");
        assert_eq!(served.load(Ordering::SeqCst), 1, "{answer}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_an_error() {
    for answer in [
        "garbage\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "<html>",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 999999 hunter2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nhunter2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: hunter2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhunter2\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhunter2",
    ] {
        let (error, _) = error(answer).await;
        assert!(matches!(error, Error::Protocol { .. }), "{answer}: {error}");
        assert!(!printed(&error).contains("hunter2"), "{}", printed(&error));
    }
}

#[tokio::test]
async fn headers_are_bounded() {
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(80 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200));
    for answer in [long, many] {
        let (error, _) = error(answer).await;
        assert!(error.to_string().ends_with("message head is too large"), "{error}");
    }
    let fits = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(60 * 1024));
    let server = Server::start(fits).await;
    client(always(&[ALLOWED])).send(get(&server.url("/"))).await.expect("an answer");
}

#[tokio::test]
async fn a_body_is_read_up_to_a_megabyte() {
    for head in ["", "Content-Length: 1048576\r\n"] {
        let mut answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n").into_bytes();
        answer.resize(answer.len() + MEGABYTE, b'x');
        let server = Server::start(answer).await;
        let answer = client(always(&[ALLOWED])).send(get(&server.url("/"))).await;
        assert_eq!(answer.expect("an answer").body.len(), MEGABYTE);
    }
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(answer.len() + MEGABYTE + 1, b'x');
    let (error, _) = error(answer).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_body_that_goes_on_is_cut_off() {
    for head in ["Content-Length: 20971520\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n", "\r\n"] {
        let (done, mut written) = tokio::sync::mpsc::unbounded_channel();
        let address = serve(move |mut stream| {
            let done = done.clone();
            async move {
                read_request(&mut stream).await;
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).await;
                let mut sent = 0;
                // Chunks of 64 KB, which are as good as any bytes where nobody expects chunks.
                let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
                while sent < 20 * MEGABYTE && stream.write_all(chunk.as_bytes()).await.is_ok() {
                    sent += chunk.len();
                }
                done.send(sent).expect("a listener");
            }
        });
        let url = format!("http://{}/", address.await);
        let error = client(always(&[ALLOWED])).send(get(&url)).await.expect_err("too large");
        assert!(matches!(error, Error::TooLarge { .. }), "{head}: {error}");
        // The rest of what was sent stood in the buffers of two sockets.
        let sent = written.recv().await.expect("a count");
        assert!(sent < 19 * MEGABYTE, "{sent}");
    }
}

#[tokio::test]
async fn the_deadline_is_for_everything() {
    // A byte at a time: in the head, in the body, in the head of an answer that never starts.
    for (head, byte) in [
        ("", "x"),
        ("HTTP/1.1 200 OK\r\nX: ", "x"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        let address = serve(move |mut stream| async move {
            read_request(&mut stream).await;
            let _ = stream.write_all(head.as_bytes()).await;
            let mut pause = tokio::time::interval(Duration::from_millis(20));
            while head.is_empty() && byte == "x" || stream.write_all(byte.as_bytes()).await.is_ok()
            {
                pause.tick().await;
            }
        });
        let url = format!("http://{}/", address.await);
        let error = client(always(&[ALLOWED])).send(quickly(&url)).await.expect_err("too late");
        assert!(matches!(error, Error::Timeout { .. }), "{head}{byte}: {error}");
        assert!(error.to_string().ends_with("did not answer completely within 300ms"), "{error}");
    }
    // The resolver does not answer.
    let silent: Lookup = Arc::new(|_| future::pending().boxed());
    let error = client(silent).send(quickly("https://name.example/")).await.expect_err("too late");
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    // The handshake stalls.
    let address = serve(|stream| async { future::pending::<()>().map(|()| drop(stream)).await });
    let url = format!("https://{}/", address.await);
    let error = client(always(&[ALLOWED])).send(quickly(&url)).await.expect_err("too late");
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_name_that_is_not_found_is_told_from_a_host_that_is_down() {
    let missing: Lookup = Arc::new(|_| async { Err(io::Error::other("no such name")) }.boxed());
    for lookup in [missing, always(&[])] {
        let error = client(lookup).send(get("https://name.example/")).await.expect_err("missing");
        assert!(matches!(error, Error::Resolve { .. }), "{error}");
        assert_eq!(error.to_string(), "name.example was not found");
    }
    let port = {
        let gone = tokio::net::TcpListener::bind((ALLOWED, 0)).await.expect("a free port");
        gone.local_addr().expect("an address").port()
    };
    let error = client(always(&[ALLOWED])).send(get(&format!("http://name.example:{port}/"))).await;
    let error = error.expect_err("down");
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    assert_eq!(error.to_string(), "name.example does not accept connections");
}

#[tokio::test]
async fn secrets_are_not_printed() {
    let server = Server::start("HTTP/1.1 200 OK\r\nSet-Cookie: hunter2\r\n\r\nhunter2").await;
    let secret = |url: &str| {
        let mut request = get(url);
        request.headers.insert("authorization", "Bearer hunter2".parse().expect("a value"));
        request.body = "client_secret=hunter2".into();
        request
    };
    let request = secret(&server.url("/hunter2?key=hunter2"));
    assert!(format!("{request:?}").contains(&server.address.to_string()));
    assert!(!format!("{request:#?}").contains("hunter2"));
    let answer = client(always(&[ALLOWED])).send(request).await.expect("an answer");
    assert_eq!(answer.body, "hunter2");
    assert!(!format!("{answer:#?}").contains("hunter2"));

    let (_, broken) = error("hunter2\r\n\r\n").await;
    let (_, silent) = error("").await;
    let circle = Server::start(
        "HTTP/1.1 302 Found\r\nLocation: /hunter2?hunter2\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    for url in [
        broken.url("/hunter2?hunter2"),
        silent.url("/hunter2?hunter2"),
        circle.url("/hunter2?hunter2"),
        "http://127.0.0.1/hunter2?hunter2".to_owned(),
        "https://10.0.0.1/hunter2?hunter2".to_owned(),
        format!("https://{}/hunter2?hunter2", server.address),
        format!("http://{}/{}", server.address, "hunter2".repeat(10_000)),
        "gopher://x.example/hunter2".to_owned(),
        "http://user:hunter2@x.example/".to_owned(),
    ] {
        let deadline = Duration::from_millis(300);
        let request = Request { follow_redirects: 2, deadline, ..secret(&url) };
        let error = client(always(&[ALLOWED])).send(request).await.expect_err(&url);
        assert!(!printed(&error).contains("hunter2"), "{}", printed(&error));
    }
}
