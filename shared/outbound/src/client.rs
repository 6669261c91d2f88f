//! The client: resolves the name, checks the addresses, connects, exchanges, and perhaps follows
//! redirects.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{self, BoxFuture, FutureExt};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use url::{Host, Position, Url};

use crate::allow::AllowList;
use crate::error::Error;
use crate::request::{Answer, Request};
use crate::tls;

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("connect-sessions/", env!("CARGO_PKG_VERSION")));

/// The time for one address to accept the connection, and the number of addresses that are tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ADDRESSES_MAX: usize = 4;

/// The most bytes of a host name (RFC 1035 section 2.3.4), with a trailing dot.
const HOST_LENGTH_MAX: usize = 254;

const BODY_LENGTH_MAX: usize = 1024 * 1024;
const HEADERS_LENGTH_MAX: usize = 64 * 1024;

/// Headers about the connection, which the client sets itself.
const CONNECTION_HEADERS: [HeaderName; 9] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::ACCEPT_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

/// The headers that are kept when a redirect leads to another origin. Any other header may contain
/// an API key.
const HARMLESS_HEADERS: [HeaderName; 3] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::USER_AGENT];

/// A resolver of host names.
pub type Lookup =
    Arc<dyn Fn(&str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync + 'static>;

/// The resolver of the operating system.
pub fn system_lookup() -> Lookup {
    Arc::new(|name| {
        let name = name.to_owned();
        async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    })
}

/// The client. Cheap to clone; it keeps no connection.
#[derive(Clone)]
pub struct Outbound {
    allow: AllowList,
    tls: TlsConnector,
    lookup: Lookup,
}

impl Debug for Outbound {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbound").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Outbound {
    /// A client that reaches public addresses and those in `allow`, and trusts `roots`:
    /// [`public_roots`](crate::public_roots), and perhaps those of private providers. `lookup` is
    /// [`system_lookup`] except in tests.
    pub fn new(
        allow: AllowList,
        roots: RootCertStore,
        lookup: Lookup,
    ) -> Result<Self, rustls::Error> {
        Ok(Self { allow, tls: tls::connector(roots)?, lookup })
    }

    /// Sends the request, at most once to each URL, and returns the answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Answer, Error> {
        let deadline = request.deadline;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        // Boxed, since a handshake is a large future that would be part of the callers' futures.
        let answer = timeout(deadline, Box::pin(self.follow(request))).await;
        answer.unwrap_or(Err(Error::Timeout { host, deadline }))
    }

    async fn follow(&self, mut request: Request) -> Result<Answer, Error> {
        let is_followed =
            request.follow_redirects > 0 && matches!(request.method, Method::GET | Method::HEAD);
        loop {
            let answer = self.exchange(&request).await?;
            let Some(location) = location(&answer).filter(|_| is_followed) else {
                return Ok(answer);
            };
            let Some(left) = request.follow_redirects.checked_sub(1) else {
                return Err(Error::TooManyRedirects { host: host(&request.url)? });
            };
            let next = redirected(&request.url, location)?;
            if next.origin() != request.url.origin() {
                request.headers = harmless(&request.headers);
            }
            request = Request { url: next, body: Bytes::new(), follow_redirects: left, ..request };
        }
    }

    /// Sends one request on its own connection, and reads the answer.
    async fn exchange(&self, request: &Request) -> Result<Answer, Error> {
        let url = &request.url;
        let host = host(url)?;
        let message = message(request)?;
        let socket = self.connect(url, &host).await?;
        let stream = if url.scheme() == "https" {
            let name = server_name(url)?;
            let secured = self.tls.connect(name, socket).await.map_err(|cause| Error::Tls {
                host: host.clone(),
                problem: tls::problem(&cause),
                cause,
            })?;
            Either::Left(secured)
        } else {
            Either::Right(socket)
        };
        let broken = |cause| Error::Protocol { host: host.clone(), cause };
        let (mut sender, connection) = http1::Builder::new()
            .max_header_size(HEADERS_LENGTH_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let answer = async {
            let (head, mut body) = sender.send_request(message).await.map_err(broken)?.into_parts();
            let mut bytes = BytesMut::new();
            while request.reads_body
                && let Some(frame) = body.frame().await
            {
                let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
                if bytes.len() + data.len() > BODY_LENGTH_MAX {
                    return Err(Error::TooLarge { host: host.clone() });
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Answer { status: head.status, headers: head.headers, body: bytes.freeze() })
        };
        // The connection makes progress only while it is polled. Its errors also reach `answer`.
        let connection = connection.then(|_| future::pending());
        match future::select(Box::pin(answer), connection).await {
            future::Either::Left((answer, _)) => answer,
            future::Either::Right((never, _)) => never,
        }
    }

    /// Opens a socket to an address that is allowed.
    async fn connect(&self, url: &Url, host: &str) -> Result<TcpStream, Error> {
        let resolve = |cause| Error::Resolve { host: host.to_owned(), cause };
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => (self.lookup)(name).await.map_err(resolve)?,
            None => Vec::new(),
        };
        let port = url.port_or_known_default().unwrap_or_default();
        let mut failure = resolve(io::ErrorKind::NotFound.into());
        let mut tried = 0;
        for address in addresses {
            let judged = match url.scheme() {
                "https" => self.allow.judge(address),
                _ => self.allow.judge_plain_http(address),
            };
            if let Err(cause) = judged {
                // The error of an address that was tried says more than a refusal.
                if tried == 0 {
                    failure = Error::Refused { host: host.to_owned(), cause };
                }
                continue;
            }
            if tried == ADDRESSES_MAX {
                break;
            }
            tried += 1;
            let connected = timeout(CONNECT_WITHIN, open(SocketAddr::new(address, port))).await;
            match connected.unwrap_or(Err(io::ErrorKind::TimedOut.into())) {
                Ok(socket) => return Ok(socket),
                Err(cause) => failure = Error::Connect { host: host.to_owned(), cause },
            }
        }
        Err(failure)
    }
}

async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// The host of a URL. Refuses URLs that may not be called, as far as the URL itself shows.
fn host(url: &Url) -> Result<String, Error> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Error::InvalidUrl("its scheme is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::InvalidUrl("it carries a user name or a password"));
    }
    match url.host_str() {
        None | Some("") => Err(Error::InvalidUrl("it has no host")),
        Some(host) if host.len() > HOST_LENGTH_MAX => {
            Err(Error::InvalidUrl("its host name is too long"))
        }
        Some(host) => Ok(host.to_owned()),
    }
}

/// The name that the certificate must be for.
fn server_name(url: &Url) -> Result<ServerName<'static>, Error> {
    match url.host() {
        Some(Host::Ipv4(address)) => Ok(IpAddr::from(address).into()),
        Some(Host::Ipv6(address)) => Ok(IpAddr::from(address).into()),
        name => ServerName::try_from(name.map(|name| name.to_string()).unwrap_or_default())
            .map_err(|_| Error::InvalidUrl("its host is not a DNS name")),
    }
}

fn message(request: &Request) -> Result<http::Request<Full<Bytes>>, Error> {
    let url = &request.url;
    let target = PathAndQuery::try_from(&url[Position::BeforePath..Position::AfterQuery])
        .map_err(|_| Error::InvalidUrl("its path or query is too long or malformed"))?;
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort])
        .map_err(|_| Error::InvalidUrl("its host is malformed"))?;
    let mut headers = request.headers.clone();
    for name in CONNECTION_HEADERS {
        headers.remove(name);
    }
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    headers.insert(header::HOST, host);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let mut message = http::Request::new(Full::new(request.body.clone()));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = Uri::from(target);
    *message.headers_mut() = headers;
    Ok(message)
}

/// The `Location` of an answer that redirects (RFC 9110 section 15.4).
fn location(answer: &Answer) -> Option<&HeaderValue> {
    let is_redirect = matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    answer.headers.get(header::LOCATION).filter(|_| is_redirect)
}

fn redirected(url: &Url, location: &HeaderValue) -> Result<Url, Error> {
    let location = std::str::from_utf8(location.as_bytes()).ok();
    let next = location.and_then(|location| url.join(location).ok());
    match next {
        None => Err(Error::InvalidUrl("it redirects to what is not a URL")),
        Some(next) if url.scheme() == "https" && next.scheme() != "https" => {
            Err(Error::InvalidUrl("it redirects from https to another scheme"))
        }
        Some(next) => Ok(next),
    }
}

fn harmless(headers: &HeaderMap) -> HeaderMap {
    let kept = |name: &&HeaderName| HARMLESS_HEADERS.contains(name);
    let names = headers.keys().filter(kept);
    names.filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect()
}
