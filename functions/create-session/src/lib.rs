//! `POST /connect/sessions` makes a session for an end user (contract section 1).

use shared::body::CreateSession;
use shared::session::ConnectSession;
use shared::{App, Error, Request, Response, Timestamp, auth, request};

/// Answers 201 with the session's token, its link and its end.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let grant = auth::grant(app, &request, now).await?;
    request::no_query(&request)?;
    let body = CreateSession::read(body)?;
    grant.environment.require_integrations(&app.store, body.integrations()).await?;
    grant.environment.require_docs_override(body.content.overrides_docs_link())?;

    // Without an end user there is nobody whose organization it could be.
    let mut content = body.content;
    content.organization = content.organization.filter(|_| content.end_user.is_some());
    let session = ConnectSession {
        allowed_integrations: body.allowed_integrations,
        ..ConnectSession::open(&grant, content, &app.settings, now)?
    };
    session.mint(app).await
}
