//! The end of a successful attempt: saves the connection together with the outcome.

use std::fmt;

use jiff::Timestamp;
use secrets::clients::Client;
use serde_json::{Map, Value};
use session::Error;
use session::connection::Connection;
use session::environment::Environment;
use session::oauth_flow::Draft;
use session::provider::Provider;
use session::refresh::RefreshState;
use session::tags::Tags;
use tables::attempts::{End, Reconnection, Saved};

use crate::connect::Connect;
use crate::keepalive;
use crate::revocation::Unneeded;

/// The result of an attempt, ready to be saved.
#[derive(Clone)]
pub struct Credentials {
    /// The credentials in the form that GET answers; empty if the auth mode has none.
    pub credentials: Map<String, Value>,
    /// The configuration; it replaces that of a reconnected connection.
    pub connection_config: Map<String, Value>,
    /// The metadata of a new connection; a reconnected one keeps its own.
    pub metadata: Option<Map<String, Value>>,
    /// Whether a reconnection sets `updated_at`.
    pub moves_updated_at: bool,
    /// The tags of the connection that is reconnected, if the caller has read it.
    pub kept_tags: Option<Tags>,
    /// Whether a connection that is deleted while it is reconnected is created again under its id.
    pub restores_deleted: bool,
    /// The client to which the provider issued the tokens, if any: tokens that cannot be saved are
    /// revoked with it.
    pub client: Option<Client>,
}

impl Credentials {
    /// The tokens that the provider has issued. If the customer's own refresh token replaces the
    /// issued one, this has the issued one.
    fn issued(&self) -> Map<String, Value> {
        let mut issued = self.credentials.clone();
        if self.connection_config.contains_key("overrideTokenRefresh") {
            issued.shift_remove("refresh_token");
            let raw = self.credentials.get("raw");
            let token = raw.and_then(|raw| raw.get("refresh_token")).cloned();
            issued.extend(token.map(|token| ("refresh_token".to_owned(), token)));
        }
        issued
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A connection that is to be written, with its credentials sealed.
struct Sealed<'a> {
    environment: &'a Environment,
    provider: &'a Provider,
    new: &'a Credentials,
    credentials: Option<Vec<u8>>,
    end: End<'a>,
    now: Timestamp,
}

impl Connect {
    /// Saves the connection of a draft, with its webhooks: a new connection, or the one that is
    /// reconnected, which keeps its id, and its tags if the session has none.
    ///
    /// If the session, the integration or the connection was deleted in the meantime, or KMS does
    /// not answer, nothing is saved, and the provider is asked to revoke the tokens. If DynamoDB
    /// does not answer, the tokens stay: whether they are saved is not known.
    pub async fn save(
        &self,
        environment: &Environment,
        provider: &Provider,
        mut draft: Draft,
        new: Credentials,
        end: End<'_>,
        now: Timestamp,
    ) -> Result<Saved, Error> {
        let credentials = match self.seal(environment, &draft, &new, now).await {
            Ok(credentials) => credentials,
            Err(error) => {
                self.revoke_issued(provider, &draft, &new).await;
                return Err(error);
            }
        };
        let sealed = Sealed { environment, provider, new: &new, credentials, end, now };
        let mut saved = self.write(&sealed, &draft).await?;
        if saved == Saved::Conflict && draft.is_reconnect && new.restores_deleted {
            draft.is_reconnect = false;
            saved = self.write(&sealed, &draft).await?;
        }
        if saved != Saved::Done {
            self.revoke_issued(provider, &draft, &new).await;
        }
        Ok(saved)
    }

    async fn revoke_issued(&self, provider: &Provider, draft: &Draft, new: &Credentials) {
        let tokens = Unneeded {
            provider,
            connection_config: &new.connection_config,
            credentials: &new.issued(),
            client: new.client.as_ref(),
        };
        self.revoke_unsaved(&draft.integration, tokens).await;
    }

    async fn seal(
        &self,
        environment: &Environment,
        draft: &Draft,
        new: &Credentials,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, Error> {
        if new.credentials.len() <= 1 {
            return Ok(None);
        }
        let (key, id) = (&draft.integration, &draft.connection_id);
        let secrets = self.secrets(environment, now);
        secrets.seal_credentials(key, id, &new.credentials).await.map(Some)
    }

    async fn write(&self, sealed: &Sealed<'_>, draft: &Draft) -> Result<Saved, Error> {
        let Sealed { environment, provider, new, end, now, .. } = *sealed;
        let credentials = sealed.credentials.clone();
        let kept_tags = new.kept_tags.clone();
        let events = self.success_events(environment, provider, draft, kept_tags, now).await?;
        let refresh_due_at = keepalive::due_at(provider, &new.credentials, now);
        let tables = &self.app.tables;
        let draft = draft.clone();
        if draft.is_reconnect {
            let reconnection = Reconnection {
                provider: provider.name().to_owned(),
                credentials,
                connection_config: new.connection_config.clone(),
                webhook_url_override: draft.webhook_url_override,
                end_user: draft.end_user,
                tags: Some(draft.tags).filter(|tags| tags.iter().next().is_some()),
                updated_at: new.moves_updated_at.then_some(now),
                refresh_due_at,
            };
            let (key, id) = (&draft.integration, &draft.connection_id);
            return Ok(tables.reconnect(key, id, reconnection, end, events).await?);
        }
        let connection = Connection {
            number: Connection::random_number().map_err(Error::internal)?,
            connection_id: draft.connection_id,
            integration_id: draft.integration,
            provider: provider.name().to_owned(),
            end_user: draft.end_user,
            tags: draft.tags,
            metadata: new.metadata.clone(),
            connection_config: new.connection_config.clone(),
            webhook_url_override: draft.webhook_url_override,
            created_at: now,
            updated_at: now,
            credentials,
            refresh: RefreshState::due(refresh_due_at),
        };
        Ok(tables.create_connection(connection, end, events).await?)
    }
}
