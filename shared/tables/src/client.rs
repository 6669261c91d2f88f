//! The DynamoDB client, connected before the first request: a start is not throttled to the
//! memory's CPU share, and a request is.

use std::time::Duration;

use aws::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, Config, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// As long as a start may wait for its connection.
const PRIME_WITHIN: Duration = Duration::from_secs(2);

/// A client that calls the endpoint of its region, or another one. `observer` sees each request
/// that is sent, retries included.
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

/// Makes the connection that the first request will use, by `GET /`, which DynamoDB answers to
/// everybody and bills to nobody. Until it is sent it is a call like any other, since the code and
/// the memory that a call takes are cheaper now than under the CPU share of a request. It is
/// awaited: in the background it would race that request into a second connection. A failure is
/// ignored here: if it lasts, the first request runs into it and answers it.
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

/// Sends `GET /` in place of the call: no operation, no signature.
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
