//! KMS's requests and answers: JSON, bytes as base64, the operation in `X-Amz-Target`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::key::{EncryptionContext, Key, Refusal};

/// The most bytes of a data key.
const DATA_KEY_LENGTH_MAX: usize = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GenerateDataKeyWithoutPlaintext {
    key_id: String,
    number_of_bytes: usize,
    #[serde(default)]
    encryption_context: EncryptionContext,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt {
    key_id: Option<String>,
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: EncryptionContext,
}

/// The name of an error and its message.
struct Failure(&'static str, String);

/// Answers a request.
pub async fn answer(State(key): State<Arc<Key>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let (status, body) = match perform(&key, target.unwrap_or_default(), &body) {
        Ok(body) => (StatusCode::OK, body),
        Err(Failure(name @ "KMSInternalException", message)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, json!({ "__type": name, "message": message }))
        }
        // Some errors have no message.
        Err(Failure(name, message)) if message.is_empty() => {
            (StatusCode::BAD_REQUEST, json!({ "__type": name }))
        }
        Err(Failure(name, message)) => {
            (StatusCode::BAD_REQUEST, json!({ "__type": name, "message": message }))
        }
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), "application/x-amz-json-1.1".to_owned()),
        ("x-amzn-requestid", Uuid::new_v4().to_string()),
    ];
    (status, headers, body.to_string()).into_response()
}

fn perform(key: &Key, target: &str, body: &[u8]) -> Result<Value, Failure> {
    match target {
        "TrentService.GenerateDataKeyWithoutPlaintext" => generate(key, &parse(body)?),
        "TrentService.Decrypt" => decrypt(key, &parse(body)?),
        _ => Err(Failure("UnknownOperationException", String::new())),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    let problem = |_| Failure("ValidationException", "A member is missing or invalid.".to_owned());
    serde_json::from_slice(body).map_err(problem)
}

fn generate(key: &Key, request: &GenerateDataKeyWithoutPlaintext) -> Result<Value, Failure> {
    check(key, &request.key_id)?;
    if !(1..=DATA_KEY_LENGTH_MAX).contains(&request.number_of_bytes) {
        let message = format!("NumberOfBytes is not between 1 and {DATA_KEY_LENGTH_MAX}");
        return Err(Failure("ValidationException", message));
    }
    let ciphertext = key
        .generate_data_key(request.number_of_bytes, &request.encryption_context)
        .map_err(|error| Failure("KMSInternalException", error.to_string()))?;
    Ok(json!({ "CiphertextBlob": BASE64_STANDARD.encode(ciphertext), "KeyId": key.arn() }))
}

fn decrypt(key: &Key, request: &Decrypt) -> Result<Value, Failure> {
    // Without a `KeyId`, the ciphertext says which key it is.
    check(key, request.key_id.as_deref().unwrap_or(super::KEY_ID))?;
    let ciphertext = BASE64_STANDARD
        .decode(&request.ciphertext_blob)
        .map_err(|_| Failure("SerializationException", String::new()))?;
    match key.decrypt(&ciphertext, &request.encryption_context) {
        Ok(plaintext) => Ok(json!({
            "KeyId": key.arn(),
            "Plaintext": BASE64_STANDARD.encode(&*plaintext),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        })),
        Err(Refusal::InvalidCiphertext) => {
            Err(Failure("InvalidCiphertextException", String::new()))
        }
        Err(Refusal::IncorrectKey) => {
            let message = "The key ID in the request does not identify a CMK that can perform this \
                           operation.";
            Err(Failure("IncorrectKeyException", message.to_owned()))
        }
    }
}

/// Refuses a key that does not exist or is disabled.
fn check(key: &Key, key_id: &str) -> Result<(), Failure> {
    if !key.has_name(key_id) {
        return Err(Failure("NotFoundException", format!("Key '{key_id}' does not exist")));
    }
    if !key.is_enabled() {
        return Err(Failure("DisabledException", format!("{} is disabled.", key.arn())));
    }
    Ok(())
}
