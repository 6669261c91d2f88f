//! One attempt of an end user to connect an integration with a session.

use api::telemetry;
use jiff::Timestamp;
use serde_json::{Map, Value};
use session::Error;
use session::auth_event::{AuthEvent, Failure, Operation};
use session::connect_session::ConnectSession;
use session::connection::{Connection, ConnectionId};
use session::environment::Environment;
use session::event::Event;
use session::integration::{ConfigDefaults, Integration};
use session::provider::Provider;
use session::refresh::RefreshState;
use session::token::SessionToken;
use tables::connections::{Reconnection, Saved};

use crate::clients::Client;
use crate::connect::Connect;
use crate::{keepalive, providers};

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
        if let Some(own) = Client::own(credentials) {
            return Ok(Some(own));
        }
        connect.client(&self.environment, &self.integration, now).await
    }

    /// Saves the connection, and answers its id: a new one, or that of the connection that the
    /// session is for, which stays where it is and keeps tags that the session does not replace.
    pub async fn save(
        &self,
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
        let events = self.events(connect, &id, now).await?;
        let refresh_due_at = keepalive::due_at(&self.provider, &new.credentials, now);
        let session = &self.session;
        let (tables, token) = (&connect.app.tables, self.token.hash());
        let saved = if target.is_some() {
            let reconnection = Reconnection {
                credentials,
                connection_config: new.connection_config,
                webhook_url_override: session.webhook_url_override.clone(),
                end_user: session.end_user.clone(),
                tags: Some(&session.tags).filter(|tags| tags.iter().next().is_some()).cloned(),
                updated_at: new.moves_updated_at.then_some(now),
                refresh_due_at,
            };
            tables.reconnect(environment.id, key, &id, reconnection, &token, events).await?
        } else {
            let connection = Connection {
                number: Connection::random_number().map_err(Error::internal)?,
                connection_id: id.clone(),
                integration_id: key.clone(),
                provider: self.integration.provider.clone(),
                end_user: session.end_user.clone(),
                tags: session.tags.clone(),
                metadata: new.metadata,
                connection_config: new.connection_config,
                webhook_url_override: session.webhook_url_override.clone(),
                created_at: now,
                updated_at: now,
                credentials,
                refresh: RefreshState::due(refresh_due_at),
            };
            tables.create_connection(environment.id, connection, &token, events).await?
        };
        match saved {
            Saved::Done => Ok(id.as_str().to_owned()),
            Saved::SessionGone => Err(Error::UnknownSessionToken),
            Saved::Conflict if target.is_some() => Err(target_gone()),
            Saved::Conflict => Err(Error::internal("the id of a new connection is taken")),
        }
    }
}

impl Attempt<'_> {
    /// The outcome of an attempt, which is told where it failed for a reason that nobody foresaw.
    /// A webhook that cannot be kept then is logged, and changes nothing about the answer.
    pub async fn tell_if_failed<T>(
        &self,
        connect: &Connect,
        outcome: Result<T, Error>,
        now: Timestamp,
    ) -> Result<T, Error> {
        if let Err(error) = &outcome
            && error.is_ours()
        {
            self.tell_failure(connect, &error.message(), now).await;
        }
        outcome
    }

    async fn tell_failure(&self, connect: &Connect, description: &str, now: Timestamp) {
        let (session, environment) = (&self.session, &self.environment);
        let target = session.connection.as_ref().map(|target| &target.connection_id);
        let event = AuthEvent {
            operation: if target.is_some() { Operation::Override } else { Operation::Creation },
            auth_mode: Some(self.provider.auth_mode()),
            connection_id: target,
            integration: &self.integration.key,
            // So says the contract of the JSON endpoints.
            provider: "unknown",
            end_user: session.end_user.as_ref(),
            tags: None,
            failure: Some(Failure { kind: "unknown", description }),
            own_url: session.webhook_url_override.as_deref(),
        };
        let told = match event.webhooks(environment, now) {
            Ok(events) => {
                let kept = connect.app.tables.put_events(environment.id, events).await;
                kept.map_err(Error::from)
            }
            Err(error) => Err(error),
        };
        if let Err(Error::Internal(cause) | Error::Unavailable(cause)) = told {
            telemetry::failed("webhook_not_kept", &cause);
        }
    }

    /// The webhooks that tell of the connection once it is saved.
    async fn events(
        &self,
        connect: &Connect,
        id: &ConnectionId,
        now: Timestamp,
    ) -> Result<Vec<Event>, Error> {
        let (session, environment) = (&self.session, &self.environment);
        let own_url = session.webhook_url_override.as_deref();
        let is_reconnection = session.connection.is_some();
        let operation = if is_reconnection { Operation::Override } else { Operation::Creation };
        if !AuthEvent::is_wanted(operation, environment, own_url) {
            return Ok(Vec::new());
        }
        // A connection that is connected again keeps tags that the session does not replace.
        let kept = if is_reconnection && session.tags.iter().next().is_none() {
            let tables = &connect.app.tables;
            tables.connection(environment.id, &self.integration.key, id).await?
        } else {
            None
        };
        let event = AuthEvent {
            operation,
            auth_mode: Some(self.provider.auth_mode()),
            connection_id: Some(id),
            integration: &self.integration.key,
            provider: &self.integration.provider,
            end_user: session.end_user.as_ref(),
            tags: Some(kept.as_ref().map_or(&session.tags, |kept| &kept.tags)),
            failure: None,
            own_url,
        };
        event.webhooks(environment, now)
    }
}

fn target_gone() -> Error {
    Error::refused(400, "invalid_connection", "")
}
