//! `POST /connections` imports a connection that was made elsewhere (section 11.4 of the flow).
//!
//! - `body`: the body of the request.

mod body;

use api::{Error, Request, Response, Timestamp, auth, request, response};
use connect::{Connect, keepalive, verification};
use flow::providers;
use flow::variables::Variables;
use secrets::clients::Client;
use serde_json::Map;
use session::auth_event::{AuthEvent, Operation};
use session::connection::{Connection, ConnectionId};
use session::environment::Environment;
use session::integration::Integration;
use session::provider::{AuthMode, Provider};
use session::public_connection::{Offset, PublicConnection};
use session::refresh::RefreshState;

use body::Import;

/// A key needs this.
const SCOPES: &[&str] = &["environment:connections:create"];

/// How often an import is tried while somebody else imports the same connection.
const TRIES_MAX: usize = 5;

/// Answers 201 with the whole connection. An existing connection is replaced; it keeps its `id`,
/// its creation time and, unless another one is sent, its end user.
pub async fn handle(
    connect: &Connect,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    let app = &connect.app;
    let body = request::body(&request)?;
    let grant = auth::grant(app, &request, now, SCOPES).await?;
    request::no_query(&request)?;
    let import = Import::read(body)?;
    let environment = &grant.environment;
    let integration = app.tables.integration(environment.id, &import.key).await?;
    let integration = integration
        .ok_or_else(|| Error::refused(404, "not_found", "Integration does not exist"))?;
    let provider = providers::find(&app.tables, environment.id, &integration.provider).await?;
    let provider =
        provider.ok_or_else(|| Error::refused(404, "not_found", "Provider does not exist"))?;
    let mode = provider.auth_mode();
    require_mode(&import, mode)?;
    if matches!(mode, AuthMode::ApiKey | AuthMode::Basic | AuthMode::Tba) {
        verify(connect, environment, &integration, &provider, &import, now).await?;
    }

    let id = import.connection_id.clone().unwrap_or_else(ConnectionId::generate);
    let credentials = if mode == AuthMode::None { Map::new() } else { import.credentials.clone() };
    let sealed = if credentials.is_empty() {
        None
    } else {
        let secrets = connect.secrets(environment, now);
        Some(secrets.seal_credentials(&import.key, &id, &credentials).await?)
    };
    let refresh_due_at = keepalive::due_at(&provider, &credentials, now);
    let (end_user, tags) = import.end_user_and_tags()?;
    for _ in 0..TRIES_MAX {
        let before = app.tables.connection(environment.id, &import.key, &id).await?;
        let kept_user = before.as_ref().and_then(|before| before.end_user.clone());
        let number = match &before {
            Some(before) => before.number,
            None => Connection::random_number().map_err(Error::internal)?,
        };
        let mut connection = Connection {
            number,
            connection_id: id.clone(),
            integration_id: import.key.clone(),
            provider: integration.provider.clone(),
            end_user: end_user.clone().or(kept_user),
            tags: tags.clone(),
            metadata: Some(import.metadata.clone()),
            connection_config: import.connection_config.clone(),
            webhook_url_override: import.webhook_url_override.clone(),
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            updated_at: now,
            credentials: sealed.clone(),
            refresh: RefreshState::due(refresh_due_at),
        };
        let operation = if before.is_some() { Operation::Override } else { Operation::Creation };
        let event = AuthEvent::of(operation, &connection, Some(mode));
        let events = event.webhooks(environment, now)?;
        let replaced = before.map(|before| before.number);
        let tables = &app.tables;
        if tables.import_connection(environment.id, connection.clone(), replaced, events).await? {
            // The answer has the end user that was sent, even if the connection keeps another one.
            connection.end_user = end_user;
            let fetched_at = (mode != AuthMode::None).then_some(now);
            let public = PublicConnection::new(&connection, credentials, fetched_at, Offset::Zulu);
            return response::plain_created(&public);
        }
    }
    Err(Error::Unavailable("the connection keeps being imported by others".to_owned()))
}

/// Refuses credentials of another auth mode than the provider's.
fn require_mode(import: &Import, mode: AuthMode) -> Result<(), Error> {
    if import.auth_mode() != mode.as_str() {
        let (provider, given) = (mode.as_str(), import.auth_mode());
        let message = format!("Provider {provider} does not support {given} auth");
        return Err(Error::refused(400, "invalid_body", message));
    }
    if mode == AuthMode::Tba && !import.connection_config.contains_key("accountId") {
        let message = "Missing accountId in connection_config. This is required to create a TBA \
                       connection.";
        return Err(Error::refused(400, "invalid_body", message));
    }
    Ok(())
}

async fn verify(
    connect: &Connect,
    environment: &Environment,
    integration: &Integration,
    provider: &Provider,
    import: &Import,
    now: Timestamp,
) -> Result<(), Error> {
    let client = match Client::own(&import.credentials) {
        Some(own) => Some(own),
        None => connect.secrets(environment, now).client(integration).await?,
    };
    let variables = Variables {
        provider,
        connection_config: &import.connection_config,
        credentials: &import.credentials,
    };
    verification::verify(&connect.outbound, variables, client.as_ref(), now).await
}
