//! The configuration that all AWS clients share: one TLS stack, timeouts, retries, and the region
//! and credentials that Lambda sets.
//!
//! The choices below are measured in `docs/benchmarks.md`, by `make bench-choices`:
//!
//! - ring, because AWS-LC, the SDK's default, spends 420 million instructions on gathering entropy.
//! - Amazon's five root certificates are in the binary; reading a machine's 144 takes 8.6 million
//!   instructions.
//! - No chain of credential providers, which is a megabyte of code: Lambda sets region and
//!   credentials in the environment, and nowhere else.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::region::ProvideRegion;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};

pub use aws_config::{Region, SdkConfig};

/// The root certificates behind every endpoint of AWS (amazontrust.com/repository).
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// The root certificates that are trusted.
#[derive(Debug, Clone, Copy)]
pub enum Roots {
    /// Amazon's.
    Amazon,
    /// Those of the machine, or of `SSL_CERT_FILE`.
    Native,
}

/// How long a call may take. A call usually takes milliseconds; one that takes much longer is given
/// up and retried.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// The time for a new connection.
    pub connect: Duration,
    /// The time for one attempt.
    pub attempt: Duration,
    /// The time for all attempts.
    pub operation: Duration,
}

impl Waits {
    /// Within an HTTP request. A cold create makes at most four calls, so it stays below the
    /// functions' timeout even if each takes the maximum.
    pub const REQUEST: Self = Self {
        connect: Duration::from_millis(500),
        attempt: Duration::from_millis(700),
        operation: Duration::from_secs(2),
    };

    /// Within an invocation that is not an HTTP request, such as of `provision`: its operator would
    /// rather wait than not know what was written.
    pub const INVOCATION: Self = Self {
        connect: Duration::from_secs(1),
        attempt: Duration::from_secs(5),
        operation: Duration::from_secs(15),
    };

    /// The times as the SDK's configuration.
    fn config(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }
}

/// The region that Lambda sets in `AWS_REGION`, if it is set.
pub async fn region() -> Option<Region> {
    EnvironmentVariableRegionProvider::new().region().await
}

/// The credentials that Lambda sets in the environment.
pub fn credentials() -> impl ProvideCredentials + 'static {
    EnvironmentVariableCredentialsProvider::new()
}

/// The configuration of clients. Clients that are made with the same one share their connections.
pub fn config(
    roots: Roots,
    waits: Waits,
    region: Region,
    credentials: impl ProvideCredentials + 'static,
) -> SdkConfig {
    let connector = connector(roots, waits);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .retry_config(retries())
        .timeout_config(waits.config())
        // Every attempt has a timeout, so a stalled stream is given up anyway.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// Makes connections. Its timeouts are set here, since the SDK does not pass its own to a custom
/// connector.
fn connector(roots: Roots, waits: Waits) -> SharedHttpConnector {
    let trust_store = match roots {
        Roots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        Roots::Native => TrustStore::default(),
    };
    let tls = TlsContext::builder().with_trust_store(trust_store).build();
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(waits.connect)
        .read_timeout(waits.attempt)
        .build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls.unwrap_or_default())
        .build();
    SharedHttpConnector::new(connector)
}

/// Three attempts with full jitter.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(200))
}
