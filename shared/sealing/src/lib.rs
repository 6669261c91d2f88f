//! Encryption of single attributes of DynamoDB items, with ring; no network, no async.
//!
//! There are two kinds of keys. With both, every value has its own AES-256-GCM key, and a sealed
//! value opens only at the [`Location`] for which it was sealed.
//!
//! - [`BranchKey`]: one per environment, encrypted by KMS, for values that live as long as the
//!   environment. The `vault` crate decrypts it; in this crate the encrypted form is plain data.
//! - [`TokenKey`]: derived from a bearer value of which only a hash is stored, for values that live
//!   as long as a session or an OAuth flow. It needs no KMS.
//!
//! Files: `token_key` and `branch_key` have the two kinds of keys, `format` the format that they
//! share, `location` the place of a value, `plaintext` an opened value and the errors.
//!
//! # Format
//!
//! A value sealed with a branch key, 85 bytes longer than its plaintext (numbers are big-endian):
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
//! A value sealed with a token key has format 2 and no version: 81 bytes longer than its plaintext.
//!
//! Key and commitment are 32 bytes each, derived with HKDF-SHA-256 (RFC 5869) from the branch key
//! or the bearer value, with the salt and an `info` that names format and purpose. The additional
//! data are the format, the version and the [`Location`].
//!
//! The **nonce** is twelve zero bytes. GCM needs a nonce that is unique per key (NIST SP 800-38D,
//! section 8.2), and each key encrypts only one message: the salt has 256 random bits, and using
//! the key consumes it.
//!
//! The **commitment** ties a ciphertext to one key: a GCM ciphertext can be crafted to open under
//! two (<https://eprint.iacr.org/2020/1456>).
//!
//! Key material is zeroed when it is dropped, except what ring has on the stack while it works, and
//! copies that the caller keeps.

mod branch_key;
mod format;
mod location;
mod plaintext;
mod token_key;

pub use branch_key::{BranchKey, WrappedBranchKey, branch_key_version};
pub use location::Location;
pub use plaintext::{PLAINTEXT_LENGTH_MAX, Plaintext, SealingError};
pub use token_key::{Purpose, TokenKey};
