//! The DynamoDB client: one TLS stack, and every wait bounded.

use std::time::Duration;

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, SharedHttpClient};
use aws_smithy_http_client::tls;

use crate::telemetry::CountCalls;

/// The client of a Lambda function: region and credentials from the environment that Lambda sets,
/// which is all there is, so no chain of providers is asked.
pub async fn lambda() -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .http_client(https())
        .retry_config(retries())
        .timeout_config(timeouts())
        .load()
        .await;
    let config = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(CountCalls).build();
    Client::from_conf(config)
}

/// One TLS stack: ring starts in a hundredth of the instructions of the SDK's default.
pub fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https()
}

/// Three attempts with full jitter.
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(200))
}

/// A DynamoDB call takes milliseconds; one that takes much longer is tried again. A cold create,
/// which makes four calls at most, stays below the functions' timeout even when each takes as long
/// as it may.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500))
        .operation_attempt_timeout(Duration::from_millis(700))
        .operation_timeout(Duration::from_secs(2))
        .build()
}
