//! One attempt of an end user to connect an integration with a session.

use jiff::Timestamp;
use serde_json::{Map, Value};
use session::Error;
use session::connect_session::ConnectSession;
use session::connection::{Connection, ConnectionId};
use session::environment::Environment;
use session::integration::{ConfigDefaults, Integration};
use session::provider::Provider;
use session::token::SessionToken;
use tables::connections::{Reconnection, Saved};

use crate::clients::Client;
use crate::connect::Connect;
use crate::providers;

/// Keys of a connection's configuration that are secret: they belong to the credentials.
const SECRETS: [&str; 2] = ["oauth_client_secret_override", "oauth_refresh_token_override"];

/// A session, and the integration that is connected with it.
#[derive(Debug)]
pub struct Attempt<'a> {
    token: &'a SessionToken,
    session: ConnectSession,
    environment: std::sync::Arc<Environment>,
    /// The integration.
    pub integration: Integration,
    /// Its provider.
    pub provider: Provider,
}

/// The result of an attempt, ready to be saved.
#[derive(Debug)]
pub struct Credentials {
    /// As GET answers them; empty where the mode has none.
    pub credentials: Map<String, Value>,
    /// Replaces that of a connection that is connected again.
    pub connection_config: Map<String, Value>,
    /// Of a new connection; one that is connected again keeps its own.
    pub metadata: Option<Map<String, Value>>,
    /// Whether connecting again moves `updated_at`.
    pub moves_updated_at: bool,
}

impl<'a> Attempt<'a> {
    /// An attempt to connect an integration of the session's environment.
    pub async fn new(
        connect: &Connect,
        token: &'a SessionToken,
        session: ConnectSession,
        environment: std::sync::Arc<Environment>,
        integration: Integration,
    ) -> Result<Self, Error> {
        let tables = &connect.app.tables;
        let provider = providers::find(tables, environment.id, &integration.provider).await?;
        let provider =
            provider.ok_or_else(|| Error::refused(404, "unknown_provider_template", ""))?;
        Ok(Self { token, session, environment, integration, provider })
    }

    /// Refuses an integration that the session does not allow. A session for reconnecting allows
    /// that of its connection alone.
    pub fn require_allowed(&self) -> Result<(), Error> {
        let allowed = &self.session.allowed_integrations;
        if allowed.is_empty() || allowed.contains(&self.integration.key) {
            Ok(())
        } else {
            Err(Error::refused(400, "integration_not_allowed", ""))
        }
    }

    /// Refuses to connect a connection again that was deleted meanwhile.
    pub async fn require_target(&self, connect: &Connect) -> Result<(), Error> {
        let Some(target) = &self.session.connection else { return Ok(()) };
        let (environment, key) = (self.environment.id, &self.integration.key);
        let found = connect.app.tables.connection(environment, key, &target.connection_id).await?;
        found.map(|_| ()).ok_or_else(target_gone)
    }

    /// What the session says of the integration.
    fn defaults(&self) -> Option<&ConfigDefaults> {
        self.session.integrations_config_defaults.as_ref()?.get(&self.integration.key)
    }

    /// The configuration of the connection: what the browser sent, under what the session says.
    pub fn connection_config(&self, params: Map<String, Value>) -> Map<String, Value> {
        let mut config = params;
        let own = self.defaults().and_then(|defaults| defaults.connection_config.as_ref());
        config.extend(own.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        config.retain(|name, _| !SECRETS.contains(&name.as_str()));
        config
    }

    /// Parameters that the session adds to a token request.
    pub fn authorization_params(&self) -> Vec<(String, String)> {
        let params = self.defaults().and_then(|defaults| defaults.authorization_params.as_ref());
        params.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The client that signs for the end user: their own, or that of the integration.
    pub async fn client(
        &self,
        connect: &Connect,
        credentials: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Option<Client>, Error> {
        let own = |name| credentials.get("config_override")?.get(name)?.as_str();
        if let (Some(id), Some(secret)) = (own("client_id"), own("client_secret")) {
            return Ok(Some(Client { id: id.to_owned(), secret: secret.to_owned() }));
        }
        connect.client(&self.environment, &self.integration, now).await
    }

    /// Saves the connection, and answers its id: a new one, or that of the connection that the
    /// session is for, which stays where it is and keeps tags that the session does not replace.
    pub async fn save(
        self,
        connect: &Connect,
        new: Credentials,
        now: Timestamp,
    ) -> Result<String, Error> {
        let target = self.session.connection.as_ref().map(|target| target.connection_id.clone());
        let id = target.clone().unwrap_or_else(ConnectionId::generate);
        let (environment, key) = (&self.environment, &self.integration.key);
        let credentials = if new.credentials.len() <= 1 {
            None
        } else {
            let sealed = connect.seal_credentials(environment, key, &id, &new.credentials, now);
            Some(sealed.await?)
        };
        let session = self.session;
        let (tables, token) = (&connect.app.tables, self.token.hash());
        let saved = if target.is_some() {
            let reconnection = Reconnection {
                credentials,
                connection_config: new.connection_config,
                webhook_url_override: session.webhook_url_override,
                end_user: session.end_user,
                tags: Some(session.tags).filter(|tags| tags.iter().next().is_some()),
                updated_at: new.moves_updated_at.then_some(now),
            };
            tables.reconnect(environment.id, key, &id, reconnection, &token).await?
        } else {
            let connection = Connection {
                number: Connection::random_number().map_err(Error::internal)?,
                connection_id: id.clone(),
                integration_id: key.clone(),
                provider: self.integration.provider,
                end_user: session.end_user,
                tags: session.tags,
                metadata: new.metadata,
                connection_config: new.connection_config,
                webhook_url_override: session.webhook_url_override,
                created_at: now,
                updated_at: now,
                credentials,
            };
            tables.create_connection(environment.id, connection, &token).await?
        };
        match saved {
            Saved::Done => Ok(id.as_str().to_owned()),
            Saved::SessionGone => Err(Error::UnknownSessionToken),
            Saved::IntegrationGone => Err(Error::refused(404, "unknown_provider_config", "")),
            Saved::Conflict if target.is_some() => Err(target_gone()),
            Saved::Conflict => Err(Error::internal("the id of a new connection is taken")),
        }
    }
}

fn target_gone() -> Error {
    Error::refused(400, "invalid_connection", "")
}
