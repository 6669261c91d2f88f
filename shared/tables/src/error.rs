//! Why DynamoDB did not answer, in a form that may be logged.

use std::error::Error as StdError;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use session::Error;

/// DynamoDB did not answer. The cause is for logs: it names error codes and request ids, and quotes
/// nothing that was sent or received.
#[derive(Debug)]
pub enum StoreError {
    /// Throttled, timed out or unreachable, even after retries. Trying later may help.
    Unavailable(String),
    /// Anything else.
    Unexpected(String),
}

impl<E> From<SdkError<E, HttpResponse>> for StoreError
where
    E: ProvideErrorMetadata + RequestId + StdError + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let is_transient = match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => true,
            _ if status.is_some_and(|status| status >= 500) => true,
            SdkError::ServiceError(context) => matches!(
                context.err().code(),
                Some(
                    "ProvisionedThroughputExceededException"
                        | "RequestLimitExceeded"
                        | "ThrottlingException"
                        | "InternalServerError"
                        | "ServiceUnavailable"
                        | "TransactionCanceledException"
                        | "TransactionConflictException"
                )
            ),
            _ => false,
        };
        let cause = cause(&error, status);
        if is_transient { Self::Unavailable(cause) } else { Self::Unexpected(cause) }
    }
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::Unexpected(error.to_string())
    }
}

impl From<serde_dynamo::Error> for StoreError {
    /// Leaves out the error's own text, which quotes the value that it found.
    fn from(_: serde_dynamo::Error) -> Self {
        Self::Unexpected("an item has an unexpected form".to_owned())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => Self::Unavailable(cause),
            StoreError::Unexpected(cause) => Self::Internal(cause),
        }
    }
}

/// The error and its sources, each as it describes itself. The SDK's own rendering
/// (`DisplayErrorContext`) would add the raw response, which contains items.
fn cause<E>(error: &SdkError<E, HttpResponse>, status: Option<u16>) -> String
where
    E: ProvideErrorMetadata + RequestId + StdError + 'static,
{
    let mut cause = error.to_string();
    let mut source = error.source();
    // The service's message may quote keys of items, and the parser's message what it could not
    // read. So only the code of an answer is used.
    if let Some(answer) = error.as_service_error() {
        let is_code = |code: &&str| code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let code = answer.code().filter(is_code);
        cause = format!("{cause}: {}", code.unwrap_or("the answer cannot be read"));
        if let Some(id) = answer.request_id() {
            cause = format!("{cause}, request id {id}");
        }
        source = None;
    }
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    match status {
        Some(status) => format!("{cause} (HTTP {status})"),
        None => cause,
    }
}

/// For each write of a cancelled transaction, whether its condition failed. Empty if the error is
/// another one.
pub fn failed_conditions<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<bool> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Vec::new();
    };
    let failed = |code: Option<&str>| code == Some("ConditionalCheckFailed");
    cancelled.cancellation_reasons().iter().map(|reason| failed(reason.code())).collect()
}
