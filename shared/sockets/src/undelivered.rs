//! Why a message does not arrive. No text here contains a part of the message.

use std::error::Error;

use aws_sdk_apigatewaymanagement::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_apigatewaymanagement::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// There is no such connection: not yet, no longer, or there never was (410 `GoneException`).
    Gone,
    /// API Gateway throttles, refuses, fails or cannot be reached, even after retries.
    Failed(String),
}

impl Undelivered {
    /// Classifies the failure of a call (AWS, "API Gateway Management API", `PostToConnection`).
    pub(crate) fn from_call<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            let cause = match error {
                SdkError::TimeoutError(_) => "no answer in time",
                SdkError::ResponseError(_) => "no complete answer",
                _ => "not sent",
            };
            return Self::Failed(format!("{operation}: {cause}"));
        };
        let status = service.raw().status().as_u16();
        // By the status, since the answer may have no body.
        if status == 410 {
            return Self::Gone;
        }
        let code = service.err().code().unwrap_or("no code");
        let request_id = error.request_id().unwrap_or("unknown");
        Self::Failed(format!("{operation}: {status} {code} (request id {request_id})"))
    }
}
