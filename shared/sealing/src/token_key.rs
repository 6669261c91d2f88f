//! Keys from bearer values: only the holder of the value can open what was sealed with it, since
//! only its hash is stored.

use std::fmt;

use crate::format;
use crate::location::Location;
use crate::plaintext::{Plaintext, SealingError};

const FORMAT: u8 = 2;

/// The purpose of a key. A key for one purpose does not open values of another.
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

/// The key from a bearer value, which has 256 random bits.
#[derive(Clone, Copy)]
pub struct TokenKey<'a> {
    bearer: &'a str,
    purpose: Purpose,
}

impl<'a> TokenKey<'a> {
    /// The key from the whole text of a token, or from the value of a cookie.
    pub fn new(bearer: &'a str, purpose: Purpose) -> Self {
        Self { bearer, purpose }
    }

    /// Seals a value for one location.
    pub fn seal(&self, location: &Location<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealingError> {
        let secret = self.bearer.as_bytes();
        format::seal(secret, self.purpose.info(), &[FORMAT], location, plaintext)
    }

    /// Opens a value that was sealed with this bearer value for this purpose and location.
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
