//! The errors. No text here contains a plaintext, a key, a ciphertext or an answer of KMS.

use std::error::Error;
use std::fmt;

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use sealing::SealingError;

/// Why a value was not sealed, or not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultError {
    /// KMS throttles, fails, does not answer or cannot be reached, even after retries. Trying later
    /// may help.
    Unavailable(String),
    /// KMS refuses: there is no permission, or the key is disabled, being deleted or missing.
    /// Trying again does not help until somebody changes that.
    Refused(String),
    /// The environment has no branch key of the version that the value names, or none at all. If
    /// the value is newer than the caller's copy of the environment, reading the environment again
    /// helps.
    NoBranchKey,
    /// The value is too long, or does not open.
    Sealing(SealingError),
}

impl VaultError {
    /// Classifies the failure of a call
    /// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>).
    /// The text has the error's code, message and request id. The SDK's own text would contain the
    /// whole answer, which may be a plaintext key.
    pub(crate) fn from_call<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let service = match error {
            SdkError::ServiceError(service) => service,
            SdkError::TimeoutError(_) => return unavailable(operation, "no answer in time"),
            SdkError::ResponseError(_) => return unavailable(operation, "no complete answer"),
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error().map(causes).unwrap_or_default();
                return unavailable(operation, &format!("not sent: {cause}"));
            }
            _ => return Self::Refused(format!("KMS {operation}: the request cannot be made")),
        };
        let code = service.err().code();
        if code == Some("InvalidCiphertextException") {
            return Self::Sealing(SealingError::Corrupt);
        }
        let text = format!(
            "KMS {operation}: {}: {} (request id {})",
            code.unwrap_or("no code"),
            service.err().message().unwrap_or("no message"),
            error.request_id().unwrap_or("unknown"),
        );
        let is_throttled = matches!(
            code,
            None | Some(
                "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException"
            )
        );
        if is_throttled || service.raw().status().is_server_error() {
            Self::Unavailable(text)
        } else {
            Self::Refused(text)
        }
    }
}

pub(crate) fn unavailable(operation: &str, cause: &str) -> VaultError {
    VaultError::Unavailable(format!("KMS {operation}: {cause}"))
}

/// An error of the connection, with its sources.
fn causes(error: &(impl Error + 'static)) -> String {
    let first: &(dyn Error + 'static) = error;
    let chain = std::iter::successors(Some(first), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl From<SealingError> for VaultError {
    fn from(error: SealingError) -> Self {
        Self::Sealing(error)
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(cause) | Self::Refused(cause) => f.write_str(cause),
            Self::NoBranchKey => f.write_str("the environment has no such branch key"),
            Self::Sealing(error) => error.fmt(f),
        }
    }
}

impl Error for VaultError {}
