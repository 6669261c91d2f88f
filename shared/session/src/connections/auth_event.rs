//! Webhooks about connections (contract section 7.3, section 13 of the flow).
//!
//! The keys of the body are in alphabetical order at every depth, without white space, and text
//! that is not ASCII is not escaped. So the structs below are declared in that order, and maps are
//! sorted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::connections::connection::{Connection, ConnectionId};
use crate::connections::end_user::EndUser;
use crate::connections::event::{Event, EventId};
use crate::connections::tags::Tags;
use crate::environments::environment::Environment;
use crate::environments::integration::IntegrationKey;
use crate::environments::provider::AuthMode;
use crate::environments::webhooks::WebhookSettings;
use crate::error::Error;

/// What happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It was created, or that failed.
    Creation,
    /// It was reconnected, or that failed.
    Override,
    /// Its token could not be refreshed. There is no webhook for a successful refresh.
    Refresh,
    /// It was deleted by the customer.
    Deletion,
}

impl Operation {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Override => "override",
            Self::Refresh => "refresh",
            Self::Deletion => "deletion",
        }
    }

    /// Whether an environment's settings ask for this.
    fn is_wanted(self, settings: &WebhookSettings) -> bool {
        match self {
            Self::Creation => settings.on_auth_creation,
            Self::Override => true,
            Self::Refresh => settings.on_auth_refresh_error,
            Self::Deletion => settings.on_connection_deletion,
        }
    }
}

/// Why an operation failed, in the words of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The type, such as `refresh_token_external_error`.
    pub kind: &'a str,
    /// A sentence. It must not quote a credential.
    pub description: &'a str,
}

/// Something that happened to a connection, from which webhooks are made.
#[derive(Debug, Clone)]
pub struct AuthEvent<'a> {
    /// What happened.
    pub operation: Operation,
    /// The provider's auth mode; `None` if the provider no longer exists.
    pub auth_mode: Option<AuthMode>,
    /// The connection; `None` if it failed before it had an id.
    pub connection_id: Option<&'a ConnectionId>,
    /// Its integration.
    pub integration: &'a IntegrationKey,
    /// The provider; `unknown` if a JSON endpoint failed.
    pub provider: &'a str,
    /// The end user of the session; imports and refreshes have none.
    pub end_user: Option<&'a EndUser>,
    /// The tags of the connection; `None` if there is no connection.
    pub tags: Option<&'a Tags>,
    /// Why it failed, if it did.
    pub failure: Option<Failure<'a>>,
    /// The webhook URL of the connection or of its session. If there is one, it is the only
    /// receiver.
    pub own_url: Option<&'a str>,
}

impl<'a> AuthEvent<'a> {
    /// An event about an existing connection.
    pub fn of(
        operation: Operation,
        connection: &'a Connection,
        auth_mode: Option<AuthMode>,
    ) -> Self {
        Self {
            operation,
            auth_mode,
            connection_id: Some(&connection.connection_id),
            integration: &connection.integration_id,
            provider: &connection.provider,
            end_user: None,
            tags: Some(&connection.tags),
            failure: None,
            own_url: connection.webhook_url_override.as_deref(),
        }
    }

    /// Whether webhooks are sent for an operation.
    pub fn is_wanted(
        operation: Operation,
        environment: &Environment,
        own_url: Option<&str>,
    ) -> bool {
        let settings = environment.webhooks.clone().unwrap_or_default();
        operation.is_wanted(&settings) && (own_url.is_some() || settings.receivers().count() > 0)
    }

    /// The webhooks: one per receiver, or none if the settings do not ask for them.
    pub fn webhooks(&self, environment: &Environment, now: Timestamp) -> Result<Vec<Event>, Error> {
        if !Self::is_wanted(self.operation, environment, self.own_url) {
            return Ok(Vec::new());
        }
        let body = serde_json::to_string(&self.body(environment)).map_err(Error::internal)?;
        let receivers: Vec<_> = match (self.own_url, &environment.webhooks) {
            (Some(url), _) => vec![url],
            (None, Some(settings)) => settings.receivers().collect(),
            (None, None) => Vec::new(),
        };
        let event = |url: &str| {
            let id = EventId::generate(now).map_err(Error::internal)?;
            Ok(Event { id, url: url.to_owned(), body: body.clone(), created_at: now })
        };
        receivers.into_iter().map(event).collect()
    }

    fn body<'b>(&'b self, environment: &'b Environment) -> Body<'b> {
        Body {
            auth_mode: self.auth_mode.map(AuthMode::as_str),
            connection_id: self.connection_id.map(ConnectionId::as_str),
            end_user: self.end_user.map(|user| EndUserBody {
                end_user_email: user.email.as_deref(),
                end_user_id: &user.id,
                organization_id: user.organization.as_ref().map(|own| own.id.as_str()),
                tags: user.tags.iter().flatten().collect(),
            }),
            environment: &environment.name,
            error: self
                .failure
                .as_ref()
                .map(|failure| ErrorBody { description: failure.description, kind: failure.kind }),
            from: "nango",
            operation: self.operation.as_str(),
            provider: self.provider,
            provider_config_key: self.integration.as_str(),
            success: self.failure.is_none(),
            tags: self.tags.map(|tags| tags.iter().collect()),
            kind: "auth",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user: Option<EndUserBody<'a>>,
    environment: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody<'a>>,
    from: &'a str,
    operation: &'a str,
    provider: &'a str,
    provider_config_key: &'a str,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<BTreeMap<&'a String, &'a String>>,
    #[serde(rename = "type")]
    kind: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndUserBody<'a> {
    end_user_email: Option<&'a str>,
    end_user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<&'a str>,
    tags: BTreeMap<&'a String, &'a String>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    description: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}
