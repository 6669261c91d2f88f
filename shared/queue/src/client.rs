//! The SQS client.

use std::error::Error;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{
    BehaviorVersion, Config, ProvideCredentials, Region, StalledStreamProtectionConfig,
};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::RequestId;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// A client that calls SQS in its region, or another endpoint (`AWS_ENDPOINT_URL_SQS`). The
/// connector is that of the other clients.
pub fn client(
    connector: SharedHttpConnector,
    timeouts: TimeoutConfig,
    retries: RetryConfig,
    region: Region,
    credentials: impl ProvideCredentials + 'static,
    endpoint_url: Option<String>,
) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(credentials)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .retry_config(retries)
        .timeout_config(timeouts)
        // Every attempt has its timeout, so nobody needs to watch how its bytes arrive.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(endpoint_url);
    Client::from_conf(config.build())
}

/// Why a call failed, in words that quote nothing of what was sent.
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
