//! Every environment variable of the functions, read once at the start and nowhere else.

use std::fmt;

use tables::TableNames;
use tracing_subscriber::filter::Targets;
use url::Url;

/// Why a process does not start: one sentence for the operator.
pub struct InitError(String);

impl InitError {
    /// An error with its sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As [`Display`](fmt::Display), because this is what `main` prints.
impl fmt::Debug for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InitError {}

/// The settings of a process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `SESSIONS_TABLE`, `REGISTRY_TABLE`, `CONNECTIONS_TABLE`, `EVENTS_TABLE`: the names of the
    /// DynamoDB tables.
    pub tables: TableNames,
    /// `CONNECT_UI_URL`: the URL of another Connect UI, whose query is kept in `connect_link`.
    /// Unset, the link opens the page of this API.
    pub connect_ui_url: Option<Url>,
    /// `SESSION_TTL_SECONDS`: the lifetime of a session, 60 to 604800; 1800 unless set.
    pub session_ttl_seconds: u32,
    /// `REGISTRY_CACHE_SECONDS`: how long keys, environments and integrations are cached, 0 to
    /// 3600; 60 unless set.
    pub registry_cache_seconds: u32,
    /// `WEBSOCKETS_PATH`: the `websocketsPath` that reading a session answers; `/` unless set.
    pub websockets_path: String,
    /// `WEBSOCKET_API_URL`: the management endpoint of the WebSocket API, through which messages
    /// are posted to sockets. Unset, none are posted.
    pub websocket_api_url: Option<String>,
    /// `METRICS_NAMESPACE`: the CloudWatch namespace of the metrics; `connect-sessions` unless set.
    pub metrics_namespace: String,
    /// `RUST_LOG`: what is logged, as `level` or `target=level,…`; `info` unless set.
    pub log: Targets,
    /// `AWS_ENDPOINT_URL_DYNAMODB`: another endpoint for DynamoDB than AWS's.
    pub endpoint_url: Option<String>,
    /// `KMS_KEY_ID`: the KMS key that wraps the branch keys of environments; its ARN, id or alias.
    pub kms_key_id: String,
    /// `AWS_ENDPOINT_URL_KMS`: another endpoint for KMS than AWS's.
    pub kms_endpoint_url: Option<String>,
    /// `WEBHOOKS_QUEUE_URL`: the SQS queue of webhooks that are due.
    pub webhooks_queue_url: String,
    /// `AWS_ENDPOINT_URL_SQS`: another endpoint for SQS than AWS's.
    pub sqs_endpoint_url: Option<String>,
    /// `OUTBOUND_ALLOW`: a list of CIDR blocks in which providers and webhook receivers may be,
    /// besides the public addresses.
    pub outbound_allow: String,
    /// Whether `SSL_CERT_FILE` is set, because a private CA signs for the AWS endpoints. Then only
    /// the certificates in that file are trusted for them.
    pub has_private_ca: bool,
}

impl Settings {
    /// Reads the settings of this process.
    pub fn from_env() -> Result<Self, InitError> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the settings from `variable`. The error names the first one that is missing or
    /// malformed.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InitError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required =
            |name: &str| variable(name).ok_or_else(|| InitError::new(format!("{name} is not set")));
        Ok(Self {
            tables: TableNames {
                sessions: required("SESSIONS_TABLE")?,
                registry: required("REGISTRY_TABLE")?,
                connections: required("CONNECTIONS_TABLE")?,
                events: required("EVENTS_TABLE")?,
            },
            connect_ui_url: variable("CONNECT_UI_URL").map(|text| page(&text)).transpose()?,
            session_ttl_seconds: seconds(
                "SESSION_TTL_SECONDS",
                variable("SESSION_TTL_SECONDS"),
                1_800,
                60..=604_800,
            )?,
            registry_cache_seconds: seconds(
                "REGISTRY_CACHE_SECONDS",
                variable("REGISTRY_CACHE_SECONDS"),
                60,
                0..=3_600,
            )?,
            websockets_path: variable("WEBSOCKETS_PATH").unwrap_or_else(|| "/".to_owned()),
            websocket_api_url: variable("WEBSOCKET_API_URL"),
            metrics_namespace: variable("METRICS_NAMESPACE")
                .unwrap_or_else(|| "connect-sessions".to_owned()),
            log: match variable("RUST_LOG") {
                None => Targets::new().with_default(tracing::Level::INFO),
                Some(text) => text.parse().map_err(|_| {
                    InitError::new(format!(
                        "RUST_LOG must be a level or a list of target=level, not \"{text}\""
                    ))
                })?,
            },
            endpoint_url: variable("AWS_ENDPOINT_URL_DYNAMODB"),
            kms_key_id: variable("KMS_KEY_ID").unwrap_or_default(),
            kms_endpoint_url: variable("AWS_ENDPOINT_URL_KMS"),
            webhooks_queue_url: variable("WEBHOOKS_QUEUE_URL").unwrap_or_default(),
            sqs_endpoint_url: variable("AWS_ENDPOINT_URL_SQS"),
            outbound_allow: variable("OUTBOUND_ALLOW").unwrap_or_default(),
            has_private_ca: variable("SSL_CERT_FILE").is_some(),
        })
    }

    /// Whether the tables are on AWS: behind DynamoDB's default endpoint, or another one of AWS.
    pub fn is_aws(&self) -> bool {
        self.endpoint_url.as_deref().is_none_or(|url| {
            let url = Url::parse(url).ok();
            let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
            [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]
                .iter()
                .any(|end| host.ends_with(end))
        })
    }

    /// The lifetime of a session, in milliseconds.
    pub fn session_ttl_ms(&self) -> i64 {
        i64::from(self.session_ttl_seconds) * 1_000
    }
}

impl AsRef<Self> for Settings {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The URL of a page.
fn page(text: &str) -> Result<Url, InitError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| {
        InitError::new(format!("CONNECT_UI_URL must be an absolute http(s) URL, not \"{text}\""))
    })
}

fn seconds(
    name: &str,
    value: Option<String>,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32, InitError> {
    let Some(text) = value else { return Ok(default) };
    text.parse().ok().filter(|seconds| range.contains(seconds)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        InitError::new(format!("{name} must be {least} to {most} seconds, not \"{text}\""))
    })
}
