//! The DynamoDB client: one TLS stack, every wait bounded, connected before the first request.
//!
//! What each choice is worth stands in `docs/benchmarks.md`, counted by `make bench-choices`:
//!
//! - ring, because AWS-LC, the SDK's default, gathers entropy for 420 million instructions.
//! - Amazon's five roots are in the binary; to read a machine's 144 takes 8.6 million instructions.
//! - No chain of providers, which is a megabyte: Lambda sets region and credentials in the
//!   environment, and nowhere else.
//! - The connection is made during the start, which is not throttled to the memory's CPU share.

use std::time::Duration;

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::region::ProvideRegion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Config, ConfigBag, Intercept, ProvideCredentials, Region, RuntimeComponents,
    StalledStreamProtectionConfig,
};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

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
const PRIME_WITHIN: Duration = Duration::from_secs(2);

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
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let client = client(connector(roots), region, credentials, settings.endpoint_url.clone());
    prime(&client, settings).await;
    Ok(client)
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
pub fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(200))
}

/// The waits of one call.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .operation_attempt_timeout(ATTEMPT_WITHIN)
        .operation_timeout(OPERATION_WITHIN)
        .build()
}

/// Makes the connection that the first request will use, by `GET /`, which DynamoDB answers to
/// everybody and bills to nobody. Until it is sent it is a call like any other, since the code and
/// the memory that a call takes are cheaper now than under the CPU share of a request. It is
/// awaited: in the background it would race that request into a second connection. Whatever goes
/// wrong here, the first request meets it again.
async fn prime(client: &Client, settings: &Settings) {
    let ping = client
        .get_item()
        .table_name(&settings.sessions_table)
        .customize()
        // Once, with the connector's own timeouts.
        .config_override(
            Config::builder()
                .retry_config(RetryConfig::disabled())
                .timeout_config(TimeoutConfig::disabled()),
        )
        .interceptor(SendPing);
    // The answer is no JSON, so this is always an error.
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
