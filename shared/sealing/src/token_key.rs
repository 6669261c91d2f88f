//! Keys of bearer values: who holds the value opens what was sealed with it, and nobody else, since
//! only a hash of it is stored.

use std::fmt;

use crate::format;
use crate::location::Location;
use crate::plaintext::{Plaintext, SealingError};

const FORMAT: u8 = 2;

/// What is sealed. A key of one purpose does not open what was sealed for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Secrets in a session's defaults, under the session token.
    SessionDefaults,
    /// Secrets of an OAuth flow and its PKCE verifier, under the value of the flow's cookie.
    OauthFlow,
}

impl Purpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::SessionDefaults => b"connect-sessions/sealing/2/session-defaults",
            Self::OauthFlow => b"connect-sessions/sealing/2/oauth-flow",
        }
    }
}

/// The key of a bearer value, which has 256 random bits.
#[derive(Clone, Copy)]
pub struct TokenKey<'a> {
    bearer: &'a str,
    purpose: Purpose,
}

impl<'a> TokenKey<'a> {
    /// The key of the whole text of a token or a cookie.
    pub fn new(bearer: &'a str, purpose: Purpose) -> Self {
        Self { bearer, purpose }
    }

    /// Seals a value for one location.
    pub fn seal(&self, location: &Location<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealingError> {
        let secret = self.bearer.as_bytes();
        format::seal(secret, self.purpose.info(), &[FORMAT], location, plaintext)
    }

    /// Opens what this bearer value has sealed for this purpose and location.
    pub fn open(&self, location: &Location<'_>, sealed: &[u8]) -> Result<Plaintext, SealingError> {
        let rest = sealed.strip_prefix(&[FORMAT]).ok_or(SealingError::Corrupt)?;
        format::open(self.bearer.as_bytes(), self.purpose.info(), &[FORMAT], location, rest)
    }
}

impl fmt::Debug for TokenKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}
