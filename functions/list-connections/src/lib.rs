//! `GET /connections` lists the connections of an environment, newest first (section 10 of the
//! flow).
//!
//! - `query`: filters and paging.

mod query;

use api::{App, Error, Request, Response, Timestamp, auth, request, response};
use serde::Serialize;
use session::public_connection::ListedConnection;

use query::Query;

/// A key needs one of these.
const SCOPES: &[&str] =
    &["environment:connections:list", "environment:connections:list_credentials"];

/// The most bytes of an answer: Lambda allows 6 MB.
const ANSWER_LENGTH_MAX: usize = 5_000_000;

#[derive(Serialize)]
struct Page<'a> {
    connections: Vec<ListedConnection<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Answers 200 with a page. If more connections follow, `next_cursor` leads to them.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    request::body(&request)?;
    let grant = auth::grant(app, &request, now, SCOPES).await?;
    let query = request::read_query(&request, Query::read)?;
    let environment = grant.environment.id;
    let found = app.tables.list_connections(environment, &query.filter, &query.page).await?;
    let mut connections = Vec::with_capacity(found.connections.len());
    let mut length = 0;
    let mut next_cursor = found.next_cursor;
    for connection in &found.connections {
        let listed = ListedConnection::from(connection);
        length += serde_json::to_string(&listed).map_err(Error::internal)?.len();
        if length > ANSWER_LENGTH_MAX
            && let Some(last) = found.connections.get(connections.len().wrapping_sub(1))
        {
            next_cursor = Some(query.filter.cursor_after(last));
            break;
        }
        connections.push(listed);
    }
    response::plain(&Page { connections, next_cursor })
}
