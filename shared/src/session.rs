//! The connect session: who may connect what, until when.

use serde::Serialize;
use url::{Position, Url};
use uuid::Uuid;

use crate::body::Content;
use crate::connect_ui::ConnectUi;
use crate::connection::Connection;
use crate::end_user::EndUser;
use crate::error::Error;
use crate::integration::{ConfigDefaults, IntegrationKey, Override, PerIntegration};
use crate::registry::Grant;
use crate::response::{self, Response};
use crate::settings::Settings;
use crate::tags::Tags;
use crate::token::SessionToken;
use crate::{App, Timestamp, telemetry};

/// What a session token stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectSession {
    /// Names the session in logs; it is no credential.
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
    pub connection: Option<Connection>,
    /// The environment's settings when the session was made.
    pub connect_ui: ConnectUi,
}

impl ConnectSession {
    /// A session that starts now. Its merged tags may be too many.
    pub fn open(
        grant: &Grant,
        content: Content,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let organization = content.organization;
        let tags = Tags::merged(content.end_user.as_ref(), organization.as_ref(), content.tags)
            .map_err(Error::InvalidBody)?;
        let created_at_ms = now.as_millisecond();
        Ok(Self {
            id: Uuid::new_v4(),
            environment_id: grant.environment.id,
            minted_by: grant.key_id,
            created_at: timestamp(created_at_ms),
            expires_at: timestamp(created_at_ms + settings.session_ttl_ms()),
            end_user: content.end_user.map(|end_user| EndUser { organization, ..end_user }),
            tags,
            allowed_integrations: Vec::new(),
            integrations_config_defaults: content.integrations_config_defaults,
            overrides: content.overrides,
            webhook_url_override: content.webhook_url_override,
            connection: None,
            connect_ui: grant.environment.connect_ui.clone(),
        })
    }

    /// Whether the session is still good at `now`. DynamoDB's TTL deletes late, so this, and not
    /// the presence of the item, decides.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Stores the session under a new token, and hands that token out: the 201 of the two POST
    /// endpoints (contract section 1.6).
    pub async fn mint(self, app: &App) -> Result<Response, Error> {
        #[derive(Serialize)]
        struct Minted<'a> {
            token: &'a str,
            connect_link: String,
            expires_at: String,
        }
        let token = SessionToken::generate().map_err(Error::internal)?;
        let (id, expires_at) = (self.id, self.expires_at);
        app.store.put_session(&token.hash(), self).await?;
        telemetry::note(|summary| summary.session_id = Some(id));
        response::created(&Minted {
            token: token.expose(),
            connect_link: connect_link(&app.settings.connect_ui_url, &token),
            expires_at: format!("{expires_at:.3}"),
        })
    }
}

/// A moment in whole milliseconds. Every moment here lies within years of the present.
pub(crate) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

/// The Connect UI opened on one session. The base URL keeps its own query, behind the token.
fn connect_link(base: &Url, token: &SessionToken) -> String {
    let page = &base[..Position::AfterPath];
    let slash = if page.ends_with('/') { "" } else { "/" };
    let own = base.query().filter(|query| !query.is_empty());
    let rest = own.map(|query| format!("&{query}")).unwrap_or_default();
    format!("{page}{slash}?session_token={}{rest}", token.expose())
}
