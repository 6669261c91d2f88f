//! The DynamoDB client: one TLS stack, every wait bounded, connected before the first request.
//!
//! What each choice is worth stands in `docs/benchmarks.md`, counted by `make bench`:
//!
//! - ring, because AWS-LC, the SDK's default, gathers entropy for 420 million instructions.
//! - Amazon's five roots are in the binary; to read a machine's 145 takes 8 million instructions.
//! - No chain of providers: Lambda sets region and credentials in the environment, and nowhere
//!   else.
//! - The connection is made during the start, which is not throttled to the memory's CPU share.

use std::time::Duration;

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::region::ProvideRegion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, ProvideCredentials, Region, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;

use crate::lambda::InitError;
use crate::settings::Settings;
use crate::telemetry::CountCalls;

/// The roots behind every endpoint of AWS (amazontrust.com/repository).
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// A DynamoDB call takes milliseconds; one that takes much longer is tried again. A cold create,
/// which makes four calls at most, stays below the functions' timeout even when each takes as long
/// as it may.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
const ATTEMPT_WITHIN: Duration = Duration::from_millis(700);
const OPERATION_WITHIN: Duration = Duration::from_secs(2);

/// As long as a start may wait for its connection.
const PRIME_WITHIN: Duration = Duration::from_secs(1);

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy)]
pub enum Roots {
    /// Amazon's.
    Amazon,
    /// Those of the machine, or of `SSL_CERT_FILE`.
    Native,
}

/// The client of a Lambda function, already connected.
pub async fn lambda(settings: &Settings) -> Result<Client, InitError> {
    let region = EnvironmentVariableRegionProvider::new().region().await;
    let region = region.ok_or_else(|| InitError::new("AWS_REGION is not set"))?;
    let roots = if settings.has_private_ca { Roots::Native } else { Roots::Amazon };
    let connector = connector(roots);
    prime(&connector, &region, settings.endpoint_url.clone()).await;
    let credentials = EnvironmentVariableCredentialsProvider::new();
    Ok(client(connector, region, credentials, settings.endpoint_url.clone()))
}

/// A client that calls the endpoint of its region, or another one.
pub fn client(
    connector: SharedHttpConnector,
    region: Region,
    credentials: impl ProvideCredentials + 'static,
    endpoint_url: Option<String>,
) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .credentials_provider(credentials)
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .retry_config(retries())
        .timeout_config(timeouts())
        // Every attempt has its timeout, so nobody needs to watch how its bytes arrive.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(CountCalls);
    // One endpoint for all accounts, so that the first request finds the primed connection.
    config.set_account_id_endpoint_mode("disabled".parse().ok());
    config.set_endpoint_url(endpoint_url);
    Client::from_conf(config.build())
}

/// What makes connections. It keeps its own timeouts: those of the SDK do not reach it.
pub fn connector(roots: Roots) -> SharedHttpConnector {
    let trust_store = match roots {
        Roots::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        Roots::Native => TrustStore::default(),
    };
    let tls = TlsContext::builder().with_trust_store(trust_store).build();
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT_WITHIN)
        .read_timeout(ATTEMPT_WITHIN)
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

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .operation_attempt_timeout(ATTEMPT_WITHIN)
        .operation_timeout(OPERATION_WITHIN)
        .build()
}

/// Makes the connection that the first request will use, by a request that DynamoDB answers to
/// everybody and bills to nobody. It is awaited: in the background it would race that request into
/// a second connection. Whatever goes wrong here, the first request meets it again.
async fn prime(connector: &SharedHttpConnector, region: &Region, endpoint_url: Option<String>) {
    let ping = async {
        let endpoint = Params::builder().region(region.to_string()).set_endpoint(endpoint_url);
        let endpoint = endpoint.build().ok()?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&endpoint).await.ok()?;
        let response = connector.call(HttpRequest::get(endpoint.url()).ok()?).await.ok()?;
        // Only a connection whose answer was read to its end goes back to the pool.
        ByteStream::new(response.into_body()).collect().await.ok()
    };
    let _ = tokio::time::timeout(PRIME_WITHIN, ping).await;
}
