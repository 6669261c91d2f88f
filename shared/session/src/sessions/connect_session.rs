//! The connect session: who may connect what, until when.

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

/// What a session token stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectSession {
    /// Names the session in logs; it is not a credential.
    pub id: Uuid,
    /// The tenant.
    pub environment_id: Uuid,
    /// The id of the secret key that asked for it.
    pub minted_by: Uuid,
    /// To the millisecond.
    pub created_at: Timestamp,
    /// The first moment at which the session is refused, to the millisecond.
    pub expires_at: Timestamp,
    /// Who is connecting.
    pub end_user: Option<EndUser>,
    /// Copied onto the connection and into webhooks.
    pub tags: Tags,
    /// Integrations that the end user may connect; empty means all.
    pub allowed_integrations: Vec<IntegrationKey>,
    /// Where the connection of an integration starts from.
    pub integrations_config_defaults: Option<PerIntegration<ConfigDefaults>>,
    /// What the Connect UI shows in place of an integration's own texts.
    pub overrides: Option<PerIntegration<Override>>,
    /// Where webhooks of the connection go.
    pub webhook_url_override: Option<String>,
    /// The connection that a reconnect session is for.
    pub connection: Option<ReconnectTarget>,
    /// The environment's settings when the session was made.
    pub connect_ui: ConnectUi,
    /// Secrets of the defaults, sealed: where they stood is `null` until they are opened.
    pub secrets: Option<Vec<u8>>,
    /// How attempts to connect with it ended, the newest last.
    pub outcomes: Vec<Outcome>,
}

impl ConnectSession {
    /// A session that starts now. Its merged tags may be too many.
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

    /// Whether the session is still good at `now`. DynamoDB's TTL deletes late, so this, and not
    /// the presence of the item, decides.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// The one connection that a reconnect session is for, as it stood when the session was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectTarget {
    /// Its integration.
    pub integration_id: IntegrationKey,
    /// Its id.
    pub connection_id: ConnectionId,
    /// The end user of the stored connection. GET shows it instead of the one that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<EndUser>,
}

/// A moment in whole milliseconds. Every moment here lies within years of the present.
pub fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}
