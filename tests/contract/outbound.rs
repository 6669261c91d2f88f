//! Calls to hosts that a customer chooses: what they can reach, and what a hostile server can do.

mod addresses;
mod answers;
mod ranges;
mod redirects;
mod tls;

use std::error::Error as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use http::Method;
use outbound::{AllowList, Error, Lookup, Outbound, Request, public_roots, system_lookup};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// The one address of this machine that these tests allow.
const ALLOWED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const REFUSED: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A client that may call public addresses and [`ALLOWED`] only.
fn client(lookup: Lookup) -> Outbound {
    let allow = "127.0.0.2/32".parse().expect("a range");
    Outbound::new(allow, public_roots(), lookup).expect("a client")
}

/// A client that may call `allow` too, and resolves names with the machine's resolver.
fn client_allowing(allow: AllowList) -> Outbound {
    Outbound::new(allow, public_roots(), system_lookup()).expect("a client")
}

/// A resolver that answers each query with the next of `answers`, and from then on with the last
/// one. It records the names.
fn answers(answers: &[&[IpAddr]]) -> (Lookup, Arc<Mutex<Vec<String>>>) {
    let answers: Vec<Vec<IpAddr>> = answers.iter().map(|answer| answer.to_vec()).collect();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let names = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |name| {
        let mut names = names.lock().expect("a lock");
        let answer = answers[names.len().min(answers.len() - 1)].clone();
        names.push(name.to_owned());
        async { Ok(answer) }.boxed()
    });
    (lookup, asked)
}

fn always(answer: &[IpAddr]) -> Lookup {
    answers(&[answer]).0
}

fn get(url: &str) -> Request {
    Request::new(Method::GET, Url::parse(url).expect("a URL"))
}

/// A server that answers every request with the same bytes, and keeps the connection open for
/// more. It remembers the requests of each connection.
struct Server {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Server {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((ALLOWED, 0)).await.expect("a free port");
        Self::on(listener, answer)
    }

    fn on(listener: TcpListener, answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let address = listener.local_addr().expect("an address");
        let connections: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let seen = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let number = {
                    let mut seen = seen.lock().expect("a lock");
                    seen.push(Vec::new());
                    seen.len() - 1
                };
                let (seen, answer) = (Arc::clone(&seen), answer.clone());
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        seen.lock().expect("a lock")[number].push(request);
                        if stream.write_all(&answer).await.is_err() {
                            break;
                        }
                        // Closing ends an answer that has no length.
                        if !answer.windows(16).any(|part| part == b"Content-Length: ") {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, connections }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests in the order of their arrival.
    fn requests(&self) -> Vec<String> {
        self.connections.lock().expect("a lock").concat()
    }

    fn connections(&self) -> usize {
        self.connections.lock().expect("a lock").len()
    }
}

/// Calls `serve` with every connection.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind((ALLOWED, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// The next request, head and body, in lower case; nothing once the client has closed.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
            if body.len() >= length {
                return Some(text);
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
        }
    }
}

/// Asserts that nobody has connected. Connections are accepted in the order in which they were
/// made, so the first one must be the one made here.
async fn assert_untouched(listener: &TcpListener) {
    let address = listener.local_addr().expect("an address");
    let own = TcpStream::connect(address).await.expect("a connection");
    let (_, peer) = listener.accept().await.expect("a connection");
    assert_eq!(peer, own.local_addr().expect("an address"), "{address} was connected to");
}

/// Two listeners on the same port: one at the allowed address, one at a refused address.
async fn allowed_and_refused() -> (TcpListener, TcpListener) {
    loop {
        let refused = TcpListener::bind((REFUSED, 0)).await.expect("a free port");
        let port = refused.local_addr().expect("an address").port();
        if let Ok(allowed) = TcpListener::bind((ALLOWED, port)).await {
            return (allowed, refused);
        }
    }
}

/// An error and its causes, printed in every format.
fn printed(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}\n{error}\n{error:?}");
        cause = error.source();
    }
    text
}
