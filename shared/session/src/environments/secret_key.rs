//! Secret keys: the customer's server credential, a UUID v4 (RFC 9562), stored only as a hash.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::{Uuid, Variant};

/// A secret key of one environment.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

/// The text is not a UUID v4.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedSecretKey;

impl SecretKey {
    /// Draws a new key from the operating system.
    pub fn generate() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    /// Reads a key in the hyphenated form, in either case. The exact text is the secret, so a known
    /// key in another case is unknown.
    pub fn parse(text: &str) -> Result<Self, MalformedSecretKey> {
        const HYPHENATED_LENGTH: usize = 36;
        match Uuid::try_parse(text) {
            Ok(uuid)
                if text.len() == HYPHENATED_LENGTH
                    && uuid.get_version_num() == 4
                    && uuid.get_variant() == Variant::RFC4122 =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(MalformedSecretKey),
        }
    }

    /// The hash, which is stored instead of the key.
    pub fn hash(&self) -> SecretKeyHash {
        SecretKeyHash(hex::encode(Sha256::digest(&self.0)))
    }

    /// The secret itself, for the one answer that shows a generated key.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// SHA-256 of a secret key, in lowercase hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SecretKeyHash(String);

impl SecretKeyHash {
    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The stored record of a secret key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKeyRecord {
    /// The id of the key in logs and on sessions.
    pub id: Uuid,
    /// The environment that the key belongs to.
    pub environment_id: Uuid,
    /// The operator's name for the key; unique in its environment.
    pub name: String,
    /// The scopes, which say what the key may do.
    pub scopes: Vec<String>,
}

impl SecretKeyRecord {
    /// Whether the key has `scope`, or a wildcard that covers it: a prefix of the scope that ends
    /// in `:*`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| {
            own == scope
                || own
                    .strip_suffix('*')
                    .is_some_and(|prefix| prefix.ends_with(':') && scope.starts_with(prefix))
        })
    }
}
