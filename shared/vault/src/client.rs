//! The KMS client.

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{
    BehaviorVersion, Config, Intercept, ProvideCredentials, Region, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};

/// A client that calls KMS in its region, or another endpoint (`AWS_ENDPOINT_URL_KMS`). The
/// connector is that of the other clients. `observer` sees each request that is sent, retries
/// included.
pub fn client(
    connector: SharedHttpConnector,
    timeouts: TimeoutConfig,
    retries: RetryConfig,
    region: Region,
    credentials: impl ProvideCredentials + 'static,
    endpoint_url: Option<String>,
    observer: impl Intercept + 'static,
) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(credentials)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .retry_config(retries)
        .timeout_config(timeouts)
        // Every attempt has its timeout, so nobody needs to watch how its bytes arrive.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(observer);
    config.set_endpoint_url(endpoint_url);
    Client::from_conf(config.build())
}
