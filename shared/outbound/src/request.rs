//! Requests and answers. The `Debug` form of neither shows secrets.

use std::fmt::{self, Debug, Formatter};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::{Position, Url};

/// The default time for a call.
const DEADLINE: Duration = Duration::from_secs(10);

/// A request. It may contain credentials anywhere except in the host.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The URL: `https`, or `http` within the allow list; without user name and password.
    pub url: Url,
    /// The headers. The client sets those about the connection itself (`Host`, `Content-Length`,
    /// `Transfer-Encoding`, `Connection`, `Accept-Encoding` and the like), and `User-Agent`, which
    /// is `connect-sessions/<version>`, if it is not given here.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How many redirects of a `GET` or `HEAD` are followed. With 0, and for every other method,
    /// the redirect itself is the answer.
    pub follow_redirects: u8,
    /// The time for everything: resolving the name, the connection, all redirects, the whole
    /// answer.
    pub deadline: Duration,
    /// Whether the body of the answer is read. If not, the connection is closed as soon as the
    /// headers have arrived, however much the server would still send.
    pub reads_body: bool,
}

impl Request {
    /// A request without headers or body that follows no redirect and may take 10 seconds.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            follow_redirects: 0,
            deadline: DEADLINE,
            reads_body: true,
        }
    }
}

impl Debug for Request {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let address = &self.url[Position::BeforeHost..Position::AfterPort];
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .field("scheme", &self.url.scheme())
            .field("host", &address)
            .finish_non_exhaustive()
    }
}

/// The answer of a server, whatever its status.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers, 64 KB of them at most.
    pub headers: HeaderMap,
    /// The body, 1 MB at most, as it was sent: if the server compresses unasked, it stays
    /// compressed.
    pub body: Bytes,
}

impl Debug for Answer {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Answer")
            .field("status", &self.status)
            .field("body_length", &self.body.len())
            .finish_non_exhaustive()
    }
}
