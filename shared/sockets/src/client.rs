//! The client of the management API.

use aws::Waits;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::{
    BehaviorVersion, Config, ProvideCredentials, Region, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};

/// A client that calls the management endpoint of one WebSocket API. The connector is that of the
/// other clients.
pub(crate) fn client(
    connector: SharedHttpConnector,
    waits: Waits,
    region: Region,
    credentials: impl ProvideCredentials + 'static,
    url: &str,
) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(credentials)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .retry_config(aws::retries())
        .timeout_config(waits.config())
        // Every attempt has its timeout, so nobody needs to watch how its bytes arrive.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_url(url);
    Client::from_conf(config.build())
}
