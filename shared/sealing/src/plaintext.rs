//! An opened value, and the errors of sealing and opening.

use std::fmt;

use zeroize::Zeroizing;

/// The longest plaintext, in bytes: 64 KiB. A DynamoDB item has 400 KB.
pub const PLAINTEXT_LENGTH_MAX: usize = 64 * 1024;

/// Why a value was not sealed, or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealingError {
    /// The plaintext is longer than [`PLAINTEXT_LENGTH_MAX`].
    TooLong,
    /// The value was not sealed with this key for this location, or it was changed.
    Corrupt,
    /// The operating system gave no random bytes.
    NoRandomness,
}

impl fmt::Display for SealingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the value is too long to be sealed",
            Self::Corrupt => "the sealed value does not open",
            Self::NoRandomness => "the operating system gave no random bytes",
        })
    }
}

impl std::error::Error for SealingError {}

/// An opened value, zeroed when dropped.
pub struct Plaintext(pub(crate) Zeroizing<Vec<u8>>);

impl Plaintext {
    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext(…)")
    }
}
