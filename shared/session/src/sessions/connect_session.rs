//! The connect session: who may connect which integrations, and until when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::connections::connection::ConnectionId;
use crate::connections::end_user::EndUser;
use crate::connections::tags::Tags;
use crate::environments::connect_ui::ConnectUi;
use crate::environments::environment::Environment;
use crate::environments::integration::{ConfigDefaults, IntegrationKey, Override, PerIntegration};
use crate::error::Error;
use crate::sessions::body::SessionFields;
use crate::sessions::oauth_flow::Outcome;
use crate::sessions::session_tags;

/// A connect session, which a session token opens.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectSession {
    /// The id of the session in logs; it is not a credential.
    pub id: Uuid,
    /// The environment to which it belongs.
    pub environment_id: Uuid,
    /// The id of the secret key that created it.
    pub minted_by: Uuid,
    /// When it was created, to the millisecond.
    pub created_at: Timestamp,
    /// The time from which on the session is refused, to the millisecond.
    pub expires_at: Timestamp,
    /// The person who is connecting.
    pub end_user: Option<EndUser>,
    /// Tags that are copied onto the connection and into webhooks.
    pub tags: Tags,
    /// Integrations that the end user may connect; empty means all.
    pub allowed_integrations: Vec<IntegrationKey>,
    /// Defaults for connections, by integration.
    pub integrations_config_defaults: Option<PerIntegration<ConfigDefaults>>,
    /// What the Connect UI shows instead of an integration's own texts.
    pub overrides: Option<PerIntegration<Override>>,
    /// The receiver of the connection's webhooks.
    pub webhook_url_override: Option<String>,
    /// The connection of a reconnect session.
    pub connection: Option<ReconnectTarget>,
    /// The environment's Connect UI settings when the session was created.
    pub connect_ui: ConnectUi,
    /// The secrets of the defaults, sealed. Until they are opened, the defaults have `null` in
    /// their places.
    pub secrets: Option<Vec<u8>>,
    /// The outcomes of attempts to connect with it, the newest last.
    pub outcomes: Vec<Outcome>,
}

impl ConnectSession {
    /// A session that starts now. It fails if there are too many tags after merging.
    pub fn open(
        environment: &Environment,
        key_id: Uuid,
        fields: SessionFields,
        lifetime_ms: i64,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let organization = fields.organization;
        let tags =
            session_tags::merge(fields.end_user.as_ref(), organization.as_ref(), fields.tags)
                .map_err(Error::InvalidBody)?;
        let created_at_ms = now.as_millisecond();
        Ok(Self {
            id: Uuid::new_v4(),
            environment_id: environment.id,
            minted_by: key_id,
            created_at: timestamp(created_at_ms),
            expires_at: timestamp(created_at_ms + lifetime_ms),
            end_user: fields.end_user.map(|end_user| EndUser { organization, ..end_user }),
            tags,
            allowed_integrations: Vec::new(),
            integrations_config_defaults: fields.integrations_config_defaults,
            overrides: fields.overrides,
            webhook_url_override: fields.webhook_url_override,
            connection: None,
            connect_ui: environment.connect_ui.clone(),
            secrets: None,
            outcomes: Vec::new(),
        })
    }

    /// Whether the session is still valid at `now`. This decides, not the presence of the item,
    /// since DynamoDB's TTL deletes late.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// The connection of a reconnect session, as it was when the session was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectTarget {
    /// Its integration.
    pub integration_id: IntegrationKey,
    /// Its id.
    pub connection_id: ConnectionId,
    /// The end user of the connection. GET shows it instead of the one that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<EndUser>,
}

/// A time from epoch milliseconds. Out-of-range values, which do not occur, become the latest time.
pub fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}
