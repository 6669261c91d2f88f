//! `POST /connect/sessions` creates a session for an end user (contract section 1).

use api::{App, Error, Request, Response, Timestamp, auth, mint, request};
use session::body::CreateSession;
use session::connect_session::ConnectSession;
use session::error::WRITE_SESSIONS;

/// Answers 201 with the session's token, its link and its expiry.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let grant = auth::grant(app, &request, now, &[WRITE_SESSIONS]).await?;
    request::no_query(&request)?;
    let body = CreateSession::read(body)?;
    grant.require_integrations(&app.tables, body.integrations()).await?;
    grant.environment.require_docs_override(body.fields.overrides_docs_link())?;

    // An organization without an end user is ignored.
    let mut fields = body.fields;
    fields.organization = fields.organization.filter(|_| fields.end_user.is_some());
    let session = ConnectSession {
        allowed_integrations: body.allowed_integrations,
        ..ConnectSession::open(
            &grant.environment,
            grant.key.id,
            fields,
            app.settings.session_ttl_ms(),
            now,
        )?
    };
    mint::mint(app, &request::base_url(&request), session).await
}
