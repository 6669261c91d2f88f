//! `POST` and `PATCH /connections/metadata`: a customer's own data about connections.

use api::{App, Error, Request, Response, request, response};
use serde_json::{Map, Value};
use session::Uuid;
use session::connection::ConnectionId;
use session::fields::{Fields, Issues, array};
use session::integration::IntegrationKey;

/// The content of a body.
struct Change {
    ids: Vec<ConnectionId>,
    key: IntegrationKey,
    metadata: Map<String, Value>,
}

/// Answers the body as it was sent: 201 if metadata was replaced, 200 if it was merged. If one of
/// the connections does not exist, none is changed.
pub async fn handle(
    app: &App,
    request: &Request,
    environment: Uuid,
    body: Option<Value>,
) -> Result<Response, Error> {
    request::no_query(request)?;
    let change = read(body.clone())?;
    let merges = request.method() == "PATCH";
    let missing = app
        .tables
        .change_metadata(environment, &change.key, &change.ids, change.metadata, merges)
        .await?;
    if let Some(id) = missing {
        let mut message = format!(
            "Connection with connection id {} and provider config key {} not found. Please make \
             sure the connection exists in the Nango dashboard",
            id.as_str(),
            change.key.as_str()
        );
        if change.ids.len() > 1 {
            message.push_str(
                ". No actions were taken on any of the connections as a result of this failure.",
            );
        }
        return Err(Error::refused(404, "unknown_connection", message));
    }
    if merges { response::plain(&body) } else { response::plain_created(&body) }
}

fn read(body: Option<Value>) -> Result<Change, Error> {
    let mut issues = Issues::default();
    let change = Fields::of(body, &mut issues).and_then(|mut fields| {
        let ids = fields.required("connection_id", connection_ids);
        let key = fields.required("provider_config_key", IntegrationKey::read);
        let metadata = fields
            .required("metadata", |value, issues| Fields::of(value, issues).map(Fields::rest));
        fields.finish();
        Some(Change { ids: ids?, key: key?, metadata: metadata? })
    });
    issues.finish(change).map_err(Error::InvalidBody)
}

/// One id or a list of them; anything else is a single issue.
fn connection_ids(value: Option<Value>, issues: &mut Issues) -> Option<Vec<ConnectionId>> {
    let mut inner = Issues::default();
    let ids = match value {
        Some(Value::Array(_)) => array(value, &mut inner, ConnectionId::read),
        value => ConnectionId::read(value, &mut inner).map(|id| vec![id]),
    };
    let ids = inner.finish(ids).ok();
    if ids.is_none() {
        issues.push("invalid_union", "Invalid input");
    }
    ids
}
