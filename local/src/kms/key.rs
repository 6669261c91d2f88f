//! The key: 32 random bytes, and whether they may be used.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::demo::write_private;

/// The key's alias.
pub const ALIAS: &str = "alias/connect-sessions";

/// The start of the ARNs of this key and of its alias.
const ARN_PREFIX: &str = "arn:aws:kms:us-east-1:000000000000:";

const LENGTH: usize = 32;
const ID_LENGTH: usize = 16;

/// The names and values that a ciphertext is bound to.
pub type EncryptionContext = BTreeMap<String, String>;

/// Why a ciphertext is not decrypted.
pub enum Refusal {
    /// Another key made it.
    IncorrectKey,
    /// It was made with another encryption context, has been changed, or is no ciphertext at all.
    InvalidCiphertext,
}

/// A symmetric KMS key.
pub struct Key {
    /// The start of the key's SHA-256: it tells a ciphertext of another key file.
    id: Uuid,
    cipher: LessSafeKey,
    is_enabled: AtomicBool,
}

impl Key {
    /// A new key that exists in memory only.
    pub fn generate() -> Result<Self> {
        Self::new(&*random()?)
    }

    /// The key in `file`: 64 hex digits. If the file does not exist, a new key is written to it.
    pub fn in_file(file: &Path) -> Result<Self> {
        let problem = |error: &dyn std::fmt::Display| {
            Error::other(format!("the KMS key file {} {error}", file.display()))
        };
        match std::fs::read_to_string(file).map(Zeroizing::new) {
            Ok(text) => {
                let mut bytes = Zeroizing::new([0; LENGTH]);
                hex::decode_to_slice(text.trim_end(), &mut *bytes)
                    .map_err(|_| problem(&"does not hold 64 hex digits"))?;
                Self::new(&*bytes)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let bytes = random()?;
                let text = Zeroizing::new(format!("{}\n", hex::encode(*bytes)));
                write_private(file, &text)
                    .map_err(|error| problem(&format!("cannot be written: {error}")))?;
                Self::new(&*bytes)
            }
            Err(error) => Err(problem(&format!("cannot be read: {error}"))),
        }
    }

    fn new(bytes: &[u8]) -> Result<Self> {
        let hash = digest(&SHA256, bytes);
        let id = hash.as_ref().first_chunk().copied().unwrap_or_default();
        let cipher = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| ErrorKind::InvalidData)?;
        Ok(Self {
            id: uuid::Builder::from_custom_bytes(id).into_uuid(),
            cipher: LessSafeKey::new(cipher),
            is_enabled: AtomicBool::new(true),
        })
    }

    pub fn arn(&self) -> String {
        format!("{ARN_PREFIX}key/{}", self.id)
    }

    /// Whether a `KeyId` names this key: its id, its alias, or the ARN of one of them.
    pub fn has_name(&self, key_id: &str) -> bool {
        let name = key_id.strip_prefix(ARN_PREFIX).unwrap_or(key_id);
        let name = name.strip_prefix("key/").unwrap_or(name);
        name == ALIAS || name == self.id.to_string()
    }

    pub fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::SeqCst)
    }

    pub fn set_enabled(&self, enabled: bool) {
        self.is_enabled.store(enabled, Ordering::SeqCst);
    }

    /// Encrypts `length` random bytes, which nobody sees. The result is the key's id, a random
    /// nonce, the ciphertext and its tag.
    pub fn generate_data_key(&self, length: usize, context: &EncryptionContext) -> Result<Vec<u8>> {
        let random = |bytes: &mut [u8]| {
            SystemRandom::new().fill(bytes).map_err(|_| Error::other("no random bytes"))
        };
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut body = vec![0; length];
        random(&mut body)?;
        self.cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(additional_data(context)),
                &mut body,
            )
            .map_err(|_| ErrorKind::InvalidInput)?;
        Ok([self.id.as_bytes().as_slice(), &nonce, &body].concat())
    }

    /// Decrypts what this key encrypted with the same encryption context.
    pub fn decrypt(
        &self,
        ciphertext: &[u8],
        context: &EncryptionContext,
    ) -> std::result::Result<Zeroizing<Vec<u8>>, Refusal> {
        let parts = ciphertext
            .split_first_chunk::<ID_LENGTH>()
            .and_then(|(id, rest)| Some((id, rest.split_first_chunk::<NONCE_LEN>()?)));
        let Some((id, (nonce, body))) = parts else { return Err(Refusal::InvalidCiphertext) };
        if id != self.id.as_bytes() {
            return Err(Refusal::IncorrectKey);
        }
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .cipher
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(additional_data(context)),
                &mut body,
            )
            .map_err(|_| Refusal::InvalidCiphertext)?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

fn random() -> Result<Zeroizing<[u8; LENGTH]>> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    SystemRandom::new().fill(&mut *bytes).map_err(|_| Error::other("no random bytes"))?;
    Ok(bytes)
}

/// Every name and value in order, each after its length as 32 bits: no two contexts look alike.
fn additional_data(context: &EncryptionContext) -> Vec<u8> {
    let mut data = Vec::new();
    for part in context.iter().flat_map(|(name, value)| [name, value]) {
        data.extend((part.len() as u32).to_be_bytes());
        data.extend(part.as_bytes());
    }
    data
}
