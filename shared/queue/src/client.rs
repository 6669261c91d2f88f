//! The SQS client.

use std::error::Error;

use aws::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A client that calls SQS in its region, or another endpoint (`AWS_ENDPOINT_URL_SQS`).
pub fn client(config: &SdkConfig, endpoint_url: Option<String>) -> Client {
    let mut config = Builder::from(config);
    config.set_endpoint_url(endpoint_url);
    Client::from_conf(config.build())
}

/// Why a call failed. The text quotes nothing that was sent.
pub fn cause<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + RequestId + Error + 'static,
{
    match error.as_service_error() {
        Some(answer) => format!(
            "SQS: {} (request id {})",
            answer.code().unwrap_or("no code"),
            answer.request_id().unwrap_or("unknown")
        ),
        None => format!("SQS: {error}"),
    }
}
