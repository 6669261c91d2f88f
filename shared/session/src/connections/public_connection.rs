//! A connection in the form that customers read (sections 9 and 10 of the flow), with its keys in
//! this order.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::connections::connection::Connection;
use crate::connections::end_user::EndUser;
use crate::connections::refresh::RefreshFailure;
use crate::connections::tags::Tags;

/// How a time is printed: the contract has two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// `2026-11-24T10:00:37.742+00:00`, in the answer of GET.
    Numeric,
    /// `2026-11-24T10:00:37.742Z`, in the answer of an import.
    Zulu,
}

impl Offset {
    /// The time as text, to the millisecond.
    pub fn print(self, moment: Timestamp) -> String {
        match self {
            Self::Zulu => format!("{moment:.3}"),
            Self::Numeric => format!("{moment:.3}").replace('Z', "+00:00"),
        }
    }
}

/// Why the credentials of a connection do not work.
#[derive(Debug, Serialize)]
struct ConnectionError<'a> {
    r#type: &'static str,
    log_id: &'a str,
}

impl<'a> From<&'a RefreshFailure> for ConnectionError<'a> {
    fn from(failure: &'a RefreshFailure) -> Self {
        Self { r#type: "auth", log_id: &failure.log_id }
    }
}

fn errors(connection: &Connection) -> Vec<ConnectionError<'_>> {
    let failure = connection.refresh.failure.as_ref().filter(|failure| failure.marks_connection());
    failure.map(ConnectionError::from).into_iter().collect()
}

/// The fields that every answer has.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    id: u64,
    connection_id: &'a str,
    provider_config_key: &'a str,
    provider: &'a str,
    errors: Vec<ConnectionError<'a>>,
    end_user: Option<&'a EndUser>,
    tags: &'a Tags,
    metadata: Option<&'a Map<String, Value>>,
}

impl<'a> From<&'a Connection> for Summary<'a> {
    fn from(connection: &'a Connection) -> Self {
        Self {
            id: connection.number,
            connection_id: connection.connection_id.as_str(),
            provider_config_key: connection.integration_id.as_str(),
            provider: &connection.provider,
            errors: errors(connection),
            end_user: connection.end_user.as_ref(),
            tags: &connection.tags,
            metadata: connection.metadata.as_ref(),
        }
    }
}

/// The answer of GET and of an import.
#[derive(Debug, Serialize)]
pub struct PublicConnection<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    connection_config: &'a Map<String, Value>,
    webhook_url_override: Option<&'a str>,
    created_at: String,
    updated_at: String,
    last_fetched_at: Option<String>,
    credentials: Map<String, Value>,
}

impl<'a> PublicConnection<'a> {
    /// The connection with its credentials, which are empty if they are not shown.
    pub fn new(
        connection: &'a Connection,
        credentials: Map<String, Value>,
        last_fetched_at: Option<Timestamp>,
        offset: Offset,
    ) -> Self {
        Self {
            summary: connection.into(),
            connection_config: &connection.connection_config,
            webhook_url_override: connection.webhook_url_override.as_deref(),
            created_at: offset.print(connection.created_at),
            updated_at: offset.print(connection.updated_at),
            last_fetched_at: last_fetched_at.map(|moment| offset.print(moment)),
            credentials,
        }
    }
}

impl<'a> PublicConnection<'a> {
    /// The connection with the failure to renew its credentials in `errors`.
    #[must_use]
    pub fn with_failure(mut self, failure: &'a RefreshFailure) -> Self {
        self.summary.errors = vec![failure.into()];
        self
    }
}

/// An entry of a list of connections.
#[derive(Debug, Serialize)]
pub struct ListedConnection<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    created: String,
}

impl<'a> From<&'a Connection> for ListedConnection<'a> {
    /// `created` has no more decimals than it needs, and none on a whole second.
    fn from(connection: &'a Connection) -> Self {
        let created = format!("{}", connection.created_at).replace('Z', "+00:00");
        Self { summary: connection.into(), created }
    }
}
