//! Asks a provider to revoke tokens that are no longer needed (RFC 7009).

use std::time::Duration;

use flow::form::Form;
use flow::providers;
use flow::variables::Variables;
use jiff::Timestamp;
use secrets::clients::Client;
use serde_json::{Map, Value};
use session::Error;
use session::connection::Connection;
use session::environment::Environment;
use session::integration::IntegrationKey;
use session::provider::Provider;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::connect::Connect;
use crate::token_request::token_request;

/// How long a revocation may take in all, since a client waits for it.
const WITHIN: Duration = Duration::from_secs(4);

/// Tokens that are no longer needed, and what their revocation needs.
pub(crate) struct Unneeded<'a> {
    pub provider: &'a Provider,
    pub connection_config: &'a Map<String, Value>,
    pub credentials: &'a Map<String, Value>,
    /// The client that the provider issued them to.
    pub client: Option<&'a Client>,
}

impl Connect {
    /// Revokes the tokens of a connection that was just deleted, if its provider has an endpoint
    /// for that. A failure is logged and does not affect the deletion.
    pub async fn revoke(&self, environment: &Environment, connection: &Connection, now: Timestamp) {
        let revoking = self.revoke_stored(environment, connection, now);
        log(&connection.integration_id, timeout(WITHIN, revoking).await);
    }

    /// Revokes tokens that a provider has just issued and that could not be saved. A failure is
    /// only logged.
    pub(crate) async fn revoke_unsaved(&self, integration: &IntegrationKey, tokens: Unneeded<'_>) {
        log(integration, timeout(WITHIN, self.ask_to_revoke(tokens)).await);
    }

    async fn revoke_stored(
        &self,
        environment: &Environment,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(sealed) = &connection.credentials else { return Ok(()) };
        let (key, id) = (&connection.integration_id, &connection.connection_id);
        let (tables, secrets) = (&self.app.tables, self.secrets(environment, now));
        let provider = providers::find(tables, environment.id, &connection.provider).await?;
        let Some(provider) = provider.filter(|provider| endpoint(provider).is_some()) else {
            return Ok(());
        };
        let credentials = secrets.open_credentials(key, id, sealed).await?;
        let client = match Client::own(&credentials).or_else(|| client_itself(&credentials)) {
            Some(own) => Some(own),
            None => match tables.integration(environment.id, key).await? {
                Some(integration) => secrets.client(&integration).await?,
                None => None,
            },
        };
        self.ask_to_revoke(Unneeded {
            provider: &provider,
            connection_config: &connection.connection_config,
            credentials: &credentials,
            client: client.as_ref(),
        })
        .await
    }

    async fn ask_to_revoke(&self, tokens: Unneeded<'_>) -> Result<(), Error> {
        let Unneeded { provider, connection_config, credentials, client } = tokens;
        let Some(url) = endpoint(provider) else { return Ok(()) };
        let Some((token, hint)) = token(credentials) else { return Ok(()) };
        let client = client.ok_or_else(|| Error::internal("the integration has no client"))?;
        let none = Map::new();
        let variables = Variables { provider, connection_config, credentials: &none };
        let mut parameters = Form::default();
        parameters.set("token", token);
        parameters.set("token_type_hint", hint);
        let request = token_request(provider, variables.fill_url(url)?, parameters, client)?;
        let answer = self.outbound.send(request).await;
        let answer = answer.map_err(|error| Error::Unavailable(error.to_string()))?;
        // An unknown token is also a success (RFC 7009 section 2.2).
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(Error::Unavailable(format!("the provider answered {}", answer.status)))
        }
    }
}

/// Logs a failed revocation for the operator.
fn log(integration: &IntegrationKey, revoked: Result<Result<(), Error>, Elapsed>) {
    let problem = match revoked {
        Ok(Ok(())) => return,
        Ok(Err(Error::Unavailable(cause) | Error::Internal(cause))) => cause,
        Ok(Err(error)) => error.code().to_owned(),
        Err(_) => format!("not done within {WITHIN:?}"),
    };
    let integration = integration.as_str();
    tracing::warn!(integration, problem, "the tokens of a connection were not revoked");
}

/// For client credentials: the client itself, to which their token was issued.
fn client_itself(credentials: &Map<String, Value>) -> Option<Client> {
    let text = |name: &str| credentials.get(name)?.as_str().map(str::to_owned);
    credentials.get("type").filter(|kind| *kind == "OAUTH2_CC")?;
    Some(Client { id: text("client_id")?, secret: text("client_secret")? })
}

/// The revocation endpoint of a provider, if it has one.
fn endpoint(provider: &Provider) -> Option<&str> {
    provider.text("revocation_url")
}

/// The token to revoke, and its `token_type_hint`. Revoking a refresh token revokes its access
/// tokens too (RFC 7009 section 2.1).
fn token(credentials: &Map<String, Value>) -> Option<(&str, &'static str)> {
    let text = |name: &str| {
        credentials.get(name).and_then(Value::as_str).filter(|token| !token.is_empty())
    };
    let access_token = || text("access_token").or_else(|| text("token"));
    text("refresh_token")
        .map(|token| (token, "refresh_token"))
        .or_else(|| access_token().map(|token| (token, "access_token")))
}
