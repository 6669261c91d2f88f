//! `POST /connect/sessions/reconnect` creates a session for one existing connection (contract
//! section 2).

use api::{App, Error, Request, Response, Timestamp, auth, mint, request};
use session::body::ReconnectSession;
use session::connect_session::{ConnectSession, ReconnectTarget};
use session::error::WRITE_SESSIONS;

/// Answers 201 with the session's token, its link and its expiry.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let grant = auth::grant(app, &request, now, &[WRITE_SESSIONS]).await?;
    request::no_query(&request)?;
    let body = ReconnectSession::read(body)?;
    let environment = &grant.environment;
    let connection = app
        .tables
        .connection(environment.id, &body.integration_id, &body.connection_id)
        .await?
        .ok_or(Error::UnknownConnection)?;
    grant.require_integrations(&app.tables, body.fields.integrations()).await?;
    environment.require_docs_override(body.fields.overrides_docs_link())?;

    let session = ConnectSession {
        allowed_integrations: vec![body.integration_id],
        connection: Some(ReconnectTarget {
            integration_id: connection.integration_id,
            connection_id: connection.connection_id,
            end_user: connection.end_user,
        }),
        ..ConnectSession::open(
            environment,
            grant.key.id,
            body.fields,
            app.settings.session_ttl_ms(),
            now,
        )?
    };
    mint::mint(app, &request::base_url(&request), session).await
}
