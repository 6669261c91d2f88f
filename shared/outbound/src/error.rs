//! Why there is no answer.

use std::error::Error as StdError;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::time::Duration;

use crate::address::RefusedAddress;

/// Why a call has no answer. Printed, it names the host and nothing else of the request; what its
/// [`source`](StdError::source) prints may tell about the operator's network and is for the log.
///
/// After [`InvalidUrl`](Self::InvalidUrl), [`Refused`](Self::Refused), [`Resolve`](Self::Resolve),
/// [`Connect`](Self::Connect) and [`Tls`](Self::Tls) nothing was sent; after all others the server
/// may have acted on the request.
#[derive(Debug)]
pub enum Error {
    /// Not a URL that is called, of the request or of a redirect; the text says why.
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
        /// What the resolver says.
        cause: io::Error,
    },
    /// No address of the host takes a connection.
    Connect {
        /// The host as the URL names it.
        host: String,
        /// What the last address answered.
        cause: io::Error,
    },
    /// The TLS handshake failed.
    Tls {
        /// The host as the URL names it.
        host: String,
        /// What is wrong, in plain words.
        problem: &'static str,
        /// What rustls says.
        cause: io::Error,
    },
    /// The whole answer was not there in time.
    Timeout {
        /// The host of the request.
        host: String,
        /// The time it had.
        deadline: Duration,
    },
    /// The body of the answer is longer than is read.
    TooLarge {
        /// The host as the URL names it.
        host: String,
    },
    /// More redirects than are followed.
    TooManyRedirects {
        /// The host that redirected last.
        host: String,
    },
    /// The answer is not HTTP, has too many headers, or ends too early.
    Protocol {
        /// The host as the URL names it.
        host: String,
        /// What hyper says.
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
            Self::Connect { host, .. } => write!(formatter, "{host} takes no connection"),
            Self::Tls { host, problem, .. } => write!(formatter, "no TLS with {host}: {problem}"),
            Self::Timeout { host, deadline } => {
                write!(formatter, "{host} gave no whole answer within {deadline:?}")
            }
            Self::TooLarge { host } => {
                write!(formatter, "{host} answered with more bytes than are read")
            }
            Self::TooManyRedirects { host } => {
                write!(formatter, "{host} redirected more often than is followed")
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
