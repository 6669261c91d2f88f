//! `POST /connect/sessions/reconnect` makes a session for one connection that exists (contract
//! section 2).

use shared::body::ReconnectSession;
use shared::session::ConnectSession;
use shared::{App, Error, Request, Response, Timestamp, auth, request};

/// Answers 201 with the session's token, its link and its end.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let grant = auth::grant(app, &request, now).await?;
    request::no_query(&request)?;
    let body = ReconnectSession::read(body)?;
    let environment = &grant.environment;
    let connection = app
        .store
        .connection(environment.id, &body.integration_id, &body.connection_id)
        .await?
        .ok_or(Error::UnknownConnection)?;
    environment.require_integrations(&app.store, body.content.integrations()).await?;
    environment.require_docs_override(body.content.overrides_docs_link())?;

    let session = ConnectSession {
        allowed_integrations: vec![body.integration_id],
        connection: Some(connection),
        ..ConnectSession::open(&grant, body.content, &app.settings, now)?
    };
    session.mint(app).await
}
