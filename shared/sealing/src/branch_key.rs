//! The branch key of an environment, from which the keys of its values are derived.

use std::fmt;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::format;
use crate::location::Location;
use crate::plaintext::{Plaintext, SealingError};

const FORMAT: u8 = 1;
const INFO: &[u8] = b"connect-sessions/sealing/1/branch-key";
const LENGTH: usize = 32;
const HEADER_LENGTH: usize = 5;

/// A branch key as it is stored: encrypted by KMS, which alone can decrypt it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WrappedBranchKey {
    /// The environment to which the key belongs.
    pub environment_id: Uuid,
    /// The version, counted from 1. An environment seals with its newest version, and opens with
    /// any.
    pub version: u32,
    /// The `CiphertextBlob` of KMS.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for WrappedBranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedBranchKey")
            .field("environment_id", &self.environment_id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// One version of an environment's branch key: 32 bytes, zeroed when dropped.
pub struct BranchKey {
    version: u32,
    bytes: Zeroizing<Vec<u8>>,
}

impl BranchKey {
    /// A key that KMS has decrypted. `Corrupt` if it does not have 32 bytes.
    pub fn new(version: u32, bytes: Zeroizing<Vec<u8>>) -> Result<Self, SealingError> {
        if bytes.len() == LENGTH { Ok(Self { version, bytes }) } else { Err(SealingError::Corrupt) }
    }

    /// Seals a value for one location.
    pub fn seal(&self, location: &Location<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealingError> {
        format::seal(&self.bytes, INFO, &header(self.version), location, plaintext)
    }

    /// Opens a value that this version of the key has sealed for this location.
    pub fn open(&self, location: &Location<'_>, sealed: &[u8]) -> Result<Plaintext, SealingError> {
        let header = header(self.version);
        let rest = sealed.strip_prefix(&header).ok_or(SealingError::Corrupt)?;
        format::open(&self.bytes, INFO, &header, location, rest)
    }
}

impl fmt::Debug for BranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchKey").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The version of the branch key that a sealed value names.
pub fn branch_key_version(sealed: &[u8]) -> Result<u32, SealingError> {
    match sealed.first_chunk::<HEADER_LENGTH>() {
        Some(&[FORMAT, version @ ..]) => Ok(u32::from_be_bytes(version)),
        _ => Err(SealingError::Corrupt),
    }
}

fn header(version: u32) -> [u8; HEADER_LENGTH] {
    let [a, b, c, d] = version.to_be_bytes();
    [FORMAT, a, b, c, d]
}
