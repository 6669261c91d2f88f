//! `DELETE /connections/{connectionId}` removes a connection and its credentials (section 11.3 of
//! the flow).

use api::{App, Error, Request, Response, Timestamp, auth, request, response};
use serde_json::json;
use session::integration::IntegrationKey;

/// A key needs this.
const SCOPES: &[&str] = &["environment:connections:delete"];

/// Answers 200, or 400 where there is no such connection. A body is ignored.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    request::body(&request)?;
    let grant = auth::grant(app, &request, now, SCOPES).await?;
    let id = request::connection_id(&request)?;
    let key = request::read_query(&request, |fields| {
        fields.required("provider_config_key", IntegrationKey::read)
    })?;
    let deleted = app.tables.delete_connection(grant.environment.id, &key, &id).await?;
    deleted.ok_or_else(|| Error::refused(400, "unknown_connection", ""))?;
    response::plain(&json!({ "success": true }))
}
