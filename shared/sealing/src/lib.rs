//! Encryption of single attributes of DynamoDB items: no network, no async, nothing but ring.
//!
//! Two kinds of key seal a value. Both give every value an AES-256-GCM key of its own, and a
//! sealed value opens only at the [`Location`] it was sealed for.
//!
//! - [`BranchKey`]: one per environment, wrapped by KMS, for what lives as long as the environment.
//!   The `vault` crate unwraps it; this crate knows the wrapped form only as plain data.
//! - [`TokenKey`]: derived from a bearer value of which only a hash is stored, for what lives as
//!   long as a session or an OAuth flow. It needs no KMS.
//!
//! Files: `token_key` and `branch_key` are the two kinds of key, `format` is what they have in
//! common,
//! `location` is where a value belongs, `plaintext` an opened one and why there is none.
//!
//! # Format
//!
//! A branch key's value, 85 bytes longer than its plaintext (numbers are big-endian):
//!
//! | bytes | content |
//! |---|---|
//! | 1 | format: 1 |
//! | 4 | version of the branch key |
//! | 32 | salt, random |
//! | 32 | key commitment |
//! | as the plaintext | ciphertext |
//! | 16 | tag |
//!
//! A token's value has format 2 and no version: 81 bytes longer than its plaintext.
//!
//! Key and commitment are 32 bytes each of HKDF-SHA-256 (RFC 5869) of the branch key or the bearer
//! value, with the salt, and an `info` that names format and purpose. The additional data are the
//! format, the version and the [`Location`].
//!
//! The **nonce** is twelve zero bytes. GCM needs one that is unique per key (NIST SP 800-38D,
//! section 8.2), and each key encrypts one message: the salt has 256 random bits, and the key is
//! consumed by its only use.
//!
//! The **commitment** ties a ciphertext to one key: a GCM ciphertext can be crafted to open under
//! two (<https://eprint.iacr.org/2020/1456>).
//!
//! Key material is zeroed when it is dropped. What ring has on the stack while it works is not, nor
//! are copies that the caller keeps.

mod branch_key;
mod format;
mod location;
mod plaintext;
mod token_key;

pub use branch_key::{BranchKey, WrappedBranchKey, branch_key_version};
pub use location::Location;
pub use plaintext::{PLAINTEXT_LENGTH_MAX, Plaintext, SealingError};
pub use token_key::{Purpose, TokenKey};
