//! One attempt of an end user to connect an integration with a session.

use std::sync::Arc;

use serde_json::{Map, Value};
use session::Error;
use session::connect_session::ConnectSession;
use session::connection::{Connection, ConnectionId};
use session::environment::Environment;
use session::integration::{ConfigDefaults, Integration};
use session::oauth_flow::Draft;
use session::provider::Provider;
use session::token::TokenHash;
use tables::Tables;

use crate::overrides::Overrides;
use crate::providers;

/// A session, and the integration that an end user connects with it.
#[derive(Debug)]
pub struct Attempt {
    /// The session's environment.
    pub environment: Arc<Environment>,
    /// The integration.
    pub integration: Arc<Integration>,
    /// Its provider.
    pub provider: Provider,
    /// How many outcomes the session had when it was read.
    pub outcomes_before: usize,
    token: TokenHash,
    session: ConnectSession,
}

impl Attempt {
    /// An attempt to connect an integration of the session's environment. `None` if the
    /// integration's provider does not exist.
    pub async fn new(
        tables: &Tables,
        token: TokenHash,
        session: ConnectSession,
        environment: Arc<Environment>,
        integration: Arc<Integration>,
    ) -> Result<Option<Self>, Error> {
        let provider = providers::find(tables, environment.id, &integration.provider).await?;
        let outcomes_before = session.outcomes.len();
        Ok(provider.map(|provider| Self {
            environment,
            integration,
            provider,
            outcomes_before,
            token,
            session,
        }))
    }

    /// Refuses an integration that the session does not allow. A reconnect session allows only the
    /// integration of its connection.
    pub fn require_allowed(&self) -> Result<(), Error> {
        let allowed = &self.session.allowed_integrations;
        if allowed.is_empty() || allowed.contains(&self.integration.key) {
            Ok(())
        } else {
            Err(Error::refused(400, "integration_not_allowed", ""))
        }
    }

    /// For a reconnect session, the connection that is reconnected. If it was deleted in the
    /// meantime, the attempt is refused.
    pub async fn require_target(&self, tables: &Tables) -> Result<Option<Connection>, Error> {
        let Some(target) = &self.session.connection else { return Ok(None) };
        let (environment, key) = (self.environment.id, &self.integration.key);
        let found = tables.connection(environment, key, &target.connection_id).await?;
        found.map(Some).ok_or_else(target_gone)
    }

    /// The session's defaults for the integration.
    pub fn defaults(&self) -> Option<&ConfigDefaults> {
        self.session.integrations_config_defaults.as_ref()?.get(&self.integration.key)
    }

    /// The configuration of the connection: the browser's values, overridden by the session's,
    /// without secrets, which belong to the credentials.
    pub fn connection_config(&self, params: Map<String, Value>) -> Map<String, Value> {
        let mut config = params;
        let own = self.defaults().and_then(|defaults| defaults.connection_config.as_ref());
        config.extend(own.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        Overrides::take_secrets(&mut config);
        config
    }

    /// The session's overrides of the integration's client and of the refresh token.
    pub fn overrides(&self) -> Overrides {
        let own = self.defaults().and_then(|defaults| defaults.connection_config.as_ref());
        own.map(Overrides::of).unwrap_or_default()
    }

    /// The authorization parameters that the session adds.
    pub fn authorization_params(&self) -> Option<Vec<(String, String)>> {
        let params = self.defaults()?.authorization_params.as_ref()?;
        Some(params.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The connection that the attempt will make, with everything that comes from the session.
    pub fn draft(&self) -> Draft {
        let target = self.session.connection.as_ref().map(|target| target.connection_id.clone());
        Draft {
            session: self.token,
            environment_id: self.environment.id,
            integration: self.integration.key.clone(),
            is_reconnect: target.is_some(),
            connection_id: target.unwrap_or_else(ConnectionId::generate),
            tags: self.session.tags.clone(),
            end_user: self.session.end_user.clone(),
            webhook_url_override: self.session.webhook_url_override.clone(),
        }
    }
}

/// The error if the connection that was to be reconnected was deleted.
pub fn target_gone() -> Error {
    Error::refused(400, "invalid_connection", "")
}
