//! Redirects: followed only on request, and each checked as a first request is.

use http::Method;
use outbound::{Error, Request};
use tokio::net::TcpListener;

use super::{ALLOWED, REFUSED, Server, always, answers, assert_untouched, client, get, printed};

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

const DONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";

fn following(url: &str) -> Request {
    Request { follow_redirects: 5, ..get(url) }
}

#[tokio::test]
async fn a_redirect_is_an_answer_unless_it_is_to_be_followed() {
    let target = Server::start(DONE).await;
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(redirect(status, &target.url("/x"))).await;
        let client = client(always(&[ALLOWED]));
        let answer = client.send(get(&server.url("/"))).await.expect("an answer");
        assert_eq!((answer.status.as_u16(), target.connections()), (status, 0));
        let post = Request { method: Method::POST, ..following(&server.url("/")) };
        assert_eq!(client.send(post).await.expect("an answer").status, status);
        assert_eq!((server.connections(), target.connections()), (2, 0));
    }
    let server = Server::start(redirect(302, &target.url("/x?y=z"))).await;
    let answer = client(always(&[ALLOWED])).send(following(&server.url("/"))).await;
    assert_eq!(answer.expect("an answer").body, "done");
    assert!(target.requests()[0].starts_with("get /x?y=z http/1.1\r\n"));
    // Nothing to follow.
    for answer in [redirect(304, &target.url("/")), redirect(201, &target.url("/"))] {
        let server = Server::start(answer).await;
        let answer = client(always(&[ALLOWED])).send(following(&server.url("/"))).await;
        answer.expect("an answer");
    }
    let server = Server::start("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").await;
    let answer = client(always(&[ALLOWED])).send(following(&server.url("/"))).await;
    assert_eq!(answer.expect("an answer").status, 302);
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn a_redirect_to_a_refused_address_is_not_followed() {
    let listener = TcpListener::bind((REFUSED, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    for location in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("//2130706433:{port}/"),
        format!("https://[::ffff:7f00:1]:{port}/"),
        format!("http://inside.example:{port}/"),
        format!("https://localhost:{port}/"),
    ] {
        let server = Server::start(redirect(302, &location)).await;
        // The first name leads to the server, the second to an internal address.
        let (lookup, _) = answers(&[&[ALLOWED], &[REFUSED]]);
        let url = format!("http://outside.example:{}/", server.address.port());
        let error = client(lookup).send(following(&url)).await.expect_err("refused");
        assert!(matches!(error, Error::Refused { .. }), "{location}: {error}");
        assert_eq!(server.connections(), 1);
    }
    for location in ["file:///etc/passwd", "gopher://x.example/", "http://", "https://%00/"] {
        let server = Server::start(redirect(302, location)).await;
        let error = client(always(&[ALLOWED])).send(following(&server.url("/"))).await;
        let error = error.expect_err(location);
        assert!(matches!(error, Error::InvalidUrl(_)), "{location}: {error}");
    }
    assert_untouched(&listener).await;
}

#[tokio::test]
async fn a_password_in_a_redirect_is_not_used() {
    let target = Server::start(DONE).await;
    let location = format!("http://user:hunter2@{}/", target.address);
    let server = Server::start(redirect(302, &location)).await;
    let error = client(always(&[ALLOWED])).send(following(&server.url("/"))).await;
    let error = error.expect_err("refused");
    assert!(matches!(error, Error::InvalidUrl(_)), "{error}");
    assert!(!printed(&error).contains("hunter2"));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server = Server::start(redirect(302, "/again")).await;
    let error = client(always(&[ALLOWED])).send(following(&server.url("/"))).await;
    let error = error.expect_err("a circle");
    assert!(matches!(error, Error::TooManyRedirects { .. }), "{error}");
    // The request and five redirects, each on its own connection.
    assert_eq!((server.connections(), server.requests().len()), (6, 6));
    assert!(server.requests()[5].starts_with("get /again http/1.1\r\n"));
}

#[tokio::test]
async fn another_origin_is_told_no_credentials() {
    let other = Server::start(DONE).await;
    let server = Server::start(redirect(302, &other.url("/"))).await;
    let same = Server::start(redirect(302, "/again")).await;
    for url in [server.url("/"), same.url("/")] {
        let mut request = following(&url);
        for (name, value) in [
            ("authorization", "Bearer hunter2"),
            ("cookie", "hunter2"),
            ("x-api-key", "hunter2"),
            ("accept", "text/hunter"),
            ("user-agent", "hunter"),
        ] {
            request.headers.insert(name, value.parse().expect("a value"));
        }
        let _ = client(always(&[ALLOWED])).send(request).await;
    }
    let request = &other.requests()[0];
    assert!(!request.contains("hunter2") && request.contains("accept: text/hunter"), "{request}");
    assert!(request.contains("user-agent: hunter\r\n"), "{request}");
    let request = &same.requests()[1];
    for kept in ["authorization: bearer hunter2", "cookie: hunter2", "x-api-key: hunter2"] {
        assert!(request.contains(kept), "{request}");
    }
}
