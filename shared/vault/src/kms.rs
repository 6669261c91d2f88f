//! The two calls to KMS.

use std::collections::HashMap;

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use sealing::{BranchKey, WrappedBranchKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::{VaultError, unavailable};

/// The length of a branch key.
const BYTES: i32 = 32;

/// `GenerateDataKeyWithoutPlaintext`: a new branch key, of which only KMS has seen the plaintext.
pub(crate) async fn generate(
    kms: &Client,
    key_id: &str,
    environment_id: Uuid,
    version: u32,
) -> Result<WrappedBranchKey, VaultError> {
    let call = kms
        .generate_data_key_without_plaintext()
        .key_id(key_id)
        .number_of_bytes(BYTES)
        .set_encryption_context(Some(context(environment_id, version)));
    let output = Box::pin(call.send())
        .await
        .map_err(|error| VaultError::from_call("GenerateDataKeyWithoutPlaintext", &error))?;
    match output.ciphertext_blob.map(Blob::into_inner) {
        Some(ciphertext) => Ok(WrappedBranchKey { environment_id, version, ciphertext }),
        None => Err(unavailable("GenerateDataKeyWithoutPlaintext", "no complete answer")),
    }
}

/// `Decrypt`, always with the key's id. Without it, KMS would use whichever key the ciphertext
/// names, which may be somebody else's.
pub(crate) async fn decrypt(
    kms: &Client,
    key_id: &str,
    wrapped: &WrappedBranchKey,
) -> Result<BranchKey, VaultError> {
    let call = kms
        .decrypt()
        .key_id(key_id)
        .ciphertext_blob(Blob::new(wrapped.ciphertext.clone()))
        .set_encryption_context(Some(context(wrapped.environment_id, wrapped.version)));
    let output =
        Box::pin(call.send()).await.map_err(|error| VaultError::from_call("Decrypt", &error))?;
    let bytes = Zeroizing::new(output.plaintext.map(Blob::into_inner).unwrap_or_default());
    Ok(BranchKey::new(wrapped.version, bytes)?)
}

/// The encryption context, to which the ciphertext is bound. It is not secret: AWS logs it, and a
/// key policy can require it.
fn context(environment_id: Uuid, version: u32) -> HashMap<String, String> {
    [
        ("environment", environment_id.to_string()),
        ("purpose", "branch-key".to_owned()),
        ("version", version.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
