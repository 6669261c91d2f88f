//! Changes a connection (sections 11.1 and 11.2 of the flow).
//!
//! | route | changes |
//! |---|---|
//! | `PATCH /connections/{connectionId}` | end user, tags, where its webhooks go |
//! | `POST /connections/metadata` | replaces the metadata of one connection or of several |
//! | `PATCH /connections/metadata` | merges into it |
//!
//! - `metadata`: the two routes about metadata.

mod metadata;

use api::{App, Error, Request, Response, Timestamp, auth, request, response};
use serde_json::{Value, json};
use session::end_user::EndUser;
use session::fields::{Fields, Issues};
use session::integration::IntegrationKey;
use session::tags::{self, Tags};
use session::{session_tags, webhook_url};
use tables::connections::ConnectionChange;

/// A key needs this.
const SCOPES: &[&str] = &["environment:connections:update"];

/// Answers 200, or 201 where metadata was replaced.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let grant = auth::grant(app, &request, now, SCOPES).await?;
    if request::route_key(&request).ends_with("/connections/metadata") {
        return metadata::handle(app, &request, grant.environment.id, body).await;
    }
    let key = request::read_query(&request, |fields| {
        fields.required("provider_config_key", IntegrationKey::read)
    })?;
    let change = read(body)?;
    let id = request::connection_id(&request)?;
    let environment = grant.environment.id;
    if app.tables.change_connection(environment, &key, &id, change).await? {
        return response::plain(&json!({ "success": true }));
    }
    Err(match app.tables.integration(environment, &key).await? {
        None => Error::refused(400, "unknown_provider_config", "Provider does not exists"),
        Some(_) => Error::refused(404, "not_found", "Failed to find connection"),
    })
}

/// Reads the body. Tags are derived from its end user, and overridden by the body's own tags.
fn read(body: Option<Value>) -> Result<ConnectionChange, Error> {
    let mut issues = Issues::default();
    let change = Fields::of(body, &mut issues).map(|mut fields| {
        let end_user = fields.optional("end_user", EndUser::read);
        let tags = fields.optional("tags", Tags::read);
        let webhook_url_override = fields.optional("webhook_url_override", webhook_url::read);
        fields.finish();
        ConnectionChange { end_user, tags, webhook_url_override }
    });
    let mut change = issues.finish(change).map_err(Error::InvalidBody)?;
    if let Some(end_user) = &change.end_user {
        let merged = session_tags::merge(Some(end_user), None, change.tags.take());
        change.tags = Some(merged.map_err(|_| {
            let message = format!("Tags cannot contain more than {} keys", tags::COUNT_MAX);
            Error::refused(400, "invalid_body", message)
        })?);
    }
    Ok(change)
}
