//! The KMS client.

use aws::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::{Builder, Intercept};

/// A client that calls KMS in its region, or another endpoint (`AWS_ENDPOINT_URL_KMS`). `observer`
/// sees each request that is sent, retries included.
pub fn client(
    config: &SdkConfig,
    endpoint_url: Option<String>,
    observer: impl Intercept + 'static,
) -> Client {
    let mut config = Builder::from(config).interceptor(observer);
    config.set_endpoint_url(endpoint_url);
    Client::from_conf(config.build())
}
