//! `DELETE /connections/{connectionId}` removes a connection and its credentials (section 11.3 of
//! the flow), and has the provider revoke its tokens.

use api::{Error, Request, Response, Timestamp, auth, request, response};
use connect::Connect;
use flow::providers;
use serde_json::json;
use session::auth_event::{AuthEvent, Operation};
use session::connection::Connection;
use session::environment::Environment;
use session::event::Event;
use session::integration::IntegrationKey;

/// A key needs this.
const SCOPES: &[&str] = &["environment:connections:delete"];

/// How often a deletion is tried while others change the connection.
const TRIES_MAX: usize = 5;

/// Answers 200, or 400 if there is no such connection. A body is ignored.
pub async fn handle(
    connect: &Connect,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    request::body(&request)?;
    let app = &connect.app;
    let grant = auth::grant(app, &request, now, SCOPES).await?;
    let id = request::connection_id(&request)?;
    let key = request::read_query(&request, |fields| {
        fields.required("provider_config_key", IntegrationKey::read)
    })?;
    let environment = &grant.environment;
    for _ in 0..TRIES_MAX {
        let connection = app.tables.connection(environment.id, &key, &id).await?;
        let connection = connection.ok_or_else(unknown_connection)?;
        let events = events(connect, environment, &connection, now).await?;
        if app.tables.delete_connection(environment.id, &connection, events).await? {
            connect.revoke(environment, &connection, now).await;
            return response::plain(&json!({ "success": true }));
        }
        // Its tokens were renewed in the meantime. Read it again, so that the new ones are revoked.
    }
    Err(Error::Unavailable("the connection keeps being changed by others".to_owned()))
}

/// The webhooks about the deletion, if the environment asks for them.
async fn events(
    connect: &Connect,
    environment: &Environment,
    connection: &Connection,
    now: Timestamp,
) -> Result<Vec<Event>, Error> {
    let own_url = connection.webhook_url_override.as_deref();
    if !AuthEvent::is_wanted(Operation::Deletion, environment, own_url) {
        return Ok(Vec::new());
    }
    let tables = &connect.app.tables;
    let provider = providers::find(tables, environment.id, &connection.provider).await?;
    let auth_mode = provider.map(|provider| provider.auth_mode());
    AuthEvent::of(Operation::Deletion, connection, auth_mode).webhooks(environment, now)
}

fn unknown_connection() -> Error {
    Error::refused(400, "unknown_connection", "")
}
