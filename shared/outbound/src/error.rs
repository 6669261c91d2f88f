//! Why a call has no answer.

use std::error::Error as StdError;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::time::Duration;

use crate::address::RefusedAddress;

/// Why a call has no answer. Its text names the host and nothing else of the request. The text of
/// its [`source`](StdError::source) may reveal the operator's network and is for the log only.
///
/// With [`InvalidUrl`](Self::InvalidUrl), [`Refused`](Self::Refused), [`Resolve`](Self::Resolve),
/// [`Connect`](Self::Connect) and [`Tls`](Self::Tls), nothing was sent. With all others the server
/// may have acted on the request.
#[derive(Debug)]
pub enum Error {
    /// The URL of the request, or of a redirect, may not be called; the text says why.
    InvalidUrl(&'static str),
    /// No address of the host may be called.
    Refused {
        /// The host as the URL names it.
        host: String,
        /// The last address that was refused.
        cause: RefusedAddress,
    },
    /// The name of the host has no address.
    Resolve {
        /// The host as the URL names it.
        host: String,
        /// The resolver's error.
        cause: io::Error,
    },
    /// No address of the host accepts a connection.
    Connect {
        /// The host as the URL names it.
        host: String,
        /// The error of the last address.
        cause: io::Error,
    },
    /// The TLS handshake failed.
    Tls {
        /// The host as the URL names it.
        host: String,
        /// The problem in plain words.
        problem: &'static str,
        /// The error of rustls.
        cause: io::Error,
    },
    /// The answer was not complete in time.
    Timeout {
        /// The host of the request.
        host: String,
        /// The time it had.
        deadline: Duration,
    },
    /// The body of the answer is longer than 1 MB.
    TooLarge {
        /// The host as the URL names it.
        host: String,
    },
    /// There were more redirects than the request allows.
    TooManyRedirects {
        /// The host that redirected last.
        host: String,
    },
    /// The answer is not HTTP, has too many headers, or ends too early.
    Protocol {
        /// The host as the URL names it.
        host: String,
        /// The error of hyper.
        cause: hyper::Error,
    },
}

impl Display for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUrl(reason) => write!(formatter, "the URL is not called: {reason}"),
            Self::Refused { host, .. } => {
                write!(formatter, "{host} has no address that may be called")
            }
            Self::Resolve { host, .. } => write!(formatter, "{host} was not found"),
            Self::Connect { host, .. } => write!(formatter, "{host} does not accept connections"),
            Self::Tls { host, problem, .. } => write!(formatter, "no TLS with {host}: {problem}"),
            Self::Timeout { host, deadline } => {
                write!(formatter, "{host} did not answer completely within {deadline:?}")
            }
            Self::TooLarge { host } => {
                write!(formatter, "the answer of {host} is too long")
            }
            Self::TooManyRedirects { host } => {
                write!(formatter, "{host} redirects too often")
            }
            // hyper describes each of its errors in a few fixed words.
            Self::Protocol { host, cause } => {
                write!(formatter, "the exchange with {host} failed: {cause}")
            }
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Refused { cause, .. } => Some(cause),
            Self::Resolve { cause, .. } | Self::Connect { cause, .. } | Self::Tls { cause, .. } => {
                Some(cause)
            }
            Self::Protocol { cause, .. } => cause.source(),
            Self::InvalidUrl(_)
            | Self::Timeout { .. }
            | Self::TooLarge { .. }
            | Self::TooManyRedirects { .. } => None,
        }
    }
}
