//! Session tokens: bearer credentials of 256 random bits, stored only as a hash.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// A connect session token. Whoever holds it can open the Connect UI for one session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

/// The text is not a session token.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedToken;

impl SessionToken {
    /// The prefix of every token.
    pub const PREFIX: &str = "nango_connect_session_";
    /// The length of the random part, before it is written as lowercase hex.
    const RANDOM_BYTES: usize = 32;

    /// Draws a new token from the operating system.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut random = [0; Self::RANDOM_BYTES];
        getrandom::fill(&mut random)?;
        Ok(Self(format!("{}{}", Self::PREFIX, hex::encode(random))))
    }

    /// Reads a token that a client presents: the prefix and 64 lowercase hex digits.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let hex = text.strip_prefix(Self::PREFIX).ok_or(MalformedToken)?;
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if hex.len() == 2 * Self::RANDOM_BYTES && hex.bytes().all(is_hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedToken)
        }
    }

    /// The hash, which is stored instead of the token.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }

    /// The secret itself, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

/// SHA-256 of the whole token. With 256 random bits, a slow hash is not needed (OWASP ASVS 5.0,
/// 6.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The bytes, which are the key of the session's item.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lowercase hex digits.
impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(de::Error::custom)?;
        Ok(Self(hash))
    }
}
