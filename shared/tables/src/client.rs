//! The DynamoDB client, which is connected before the first request: Lambda throttles a request to
//! the memory's share of the CPU, but not the start.

use std::time::Duration;

use aws::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, Config, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// How long a start may wait for its connection.
const PRIME_WITHIN: Duration = Duration::from_secs(2);

/// A client that calls the endpoint of its region, or `endpoint_url`. `observer` sees each request
/// that is sent, including retries.
pub fn client(
    config: &SdkConfig,
    endpoint_url: Option<String>,
    observer: impl Intercept + 'static,
) -> Client {
    let mut config = Builder::from(config).interceptor(observer);
    // One endpoint for all accounts, so that the first request finds the primed connection.
    config.set_account_id_endpoint_mode("disabled".parse().ok());
    config.set_endpoint_url(endpoint_url);
    Client::from_conf(config.build())
}

/// Makes the connection that the first request will use, with `GET /`, which DynamoDB answers
/// without credentials and does not bill. Until it is sent it is an ordinary call, so that the code
/// and the memory that a call needs are loaded now and not during a request. It is awaited, because
/// in the background it would race with the first request, which would open a second connection. A
/// failure is ignored: if it persists, the first request meets it and answers it.
pub async fn prime(client: &Client, table: &str) {
    let ping = client
        .get_item()
        .table_name(table)
        .customize()
        // Once, with the connector's own timeouts.
        .config_override(
            Config::builder()
                .retry_config(RetryConfig::disabled())
                .timeout_config(TimeoutConfig::disabled()),
        )
        .interceptor(SendPing);
    // The answer is not JSON, so this is always an error.
    let _ = tokio::time::timeout(PRIME_WITHIN, Box::pin(ping.send())).await;
}

/// Replaces the request with `GET /`, without operation and signature.
#[derive(Debug)]
struct SendPing;

impl Intercept for SendPing {
    fn name(&self) -> &'static str {
        "SendPing"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        *request = HttpRequest::get(request.uri())?;
        Ok(())
    }
}
