//! What every client of AWS is made with: one TLS stack, timeouts, retries, the region and the
//! credentials that Lambda sets.
//!
//! What each choice is worth stands in `docs/benchmarks.md`, counted by `make bench-choices`:
//!
//! - ring, because AWS-LC, the SDK's default, gathers entropy for 420 million instructions.
//! - Amazon's five roots are in the binary; to read a machine's 144 takes 8.6 million instructions.
//! - No chain of credential providers, which is a megabyte: Lambda sets region and credentials in
//!   the environment, and nowhere else.

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

/// The roots behind every endpoint of AWS (amazontrust.com/repository).
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy)]
pub enum Roots {
    /// Amazon's.
    Amazon,
    /// Those of the machine, or of `SSL_CERT_FILE`.
    Native,
}

/// How long a call may take. A call takes milliseconds; one that takes much longer is tried again.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For the connection, if a new one is needed.
    pub connect: Duration,
    /// For one attempt.
    pub attempt: Duration,
    /// For all attempts.
    pub operation: Duration,
}

impl Waits {
    /// Within a request. A cold create, which makes four calls at most, stays below the functions'
    /// timeout even when each takes as long as it may.
    pub const REQUEST: Self = Self {
        connect: Duration::from_millis(500),
        attempt: Duration::from_millis(700),
        operation: Duration::from_secs(2),
    };

    /// Within an invocation of `provision`: its operator would rather wait than not know what was
    /// written.
    pub const PROVISION: Self = Self {
        connect: Duration::from_secs(1),
        attempt: Duration::from_secs(5),
        operation: Duration::from_secs(15),
    };

    /// As the SDK takes them.
    fn config(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }
}

/// The region that Lambda set, if it did (`AWS_REGION`).
pub async fn region() -> Option<Region> {
    EnvironmentVariableRegionProvider::new().region().await
}

/// The credentials that Lambda set.
pub fn credentials() -> impl ProvideCredentials + 'static {
    EnvironmentVariableCredentialsProvider::new()
}

/// What clients are made with. Those that are made with the same one share their connections.
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
        // Every attempt has its timeout, so nobody needs to watch how its bytes arrive.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// Makes connections. It has timeouts of its own, since the SDK does not pass its own on to it.
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
