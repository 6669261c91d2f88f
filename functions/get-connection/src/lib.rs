//! `GET /connections/{connectionId}` reads a connection (section 9 of the flow). Only this endpoint
//! shows stored credentials; those that expire soon are renewed first.

use api::lambda::ANSWER_WITHIN_CALLING_PROVIDERS;
use api::{Error, Request, Response, Timestamp, auth, request, response};
use connect::Connect;
use connect::refresh::{self, Outcome, Refresh, Wanted};
use serde_json::{Map, Value, json};
use session::connection::Connection;
use session::fields::{Fields, Issues, one_of, string};
use session::integration::IntegrationKey;
use session::public_connection::{Offset, PublicConnection};

/// A key needs one of these.
const SCOPES: &[&str] = &["environment:connections:read", READ_CREDENTIALS];
/// A key without this one is shown no credentials.
const READ_CREDENTIALS: &str = "environment:connections:read_credentials";

const TRUE: [&str; 6] = ["true", "1", "yes", "on", "y", "enabled"];
const BOOLEANS: [&str; 12] =
    ["true", "1", "yes", "on", "y", "enabled", "false", "0", "no", "off", "n", "disabled"];

/// Answers 200 with the connection.
pub async fn handle(
    connect: &Connect,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    let app = &connect.app;
    request::body(&request)?;
    let grant = auth::grant(app, &request, now, SCOPES).await?;
    let query = request::read_query(&request, Query::read)?;
    let id = request::connection_id(&request)?;
    let may_read_credentials = grant.key.has_scope(READ_CREDENTIALS);
    if query.asks_for_credentials && !may_read_credentials {
        return Err(Error::refused(
            403,
            "forbidden",
            "Credential and refresh options require the environment:connections:read_credentials \
             scope",
        ));
    }
    let environment = &grant.environment;
    let found = app.tables.connection(environment.id, &query.key, &id).await?;
    let Some(connection) = found else {
        // Looked up only now, since an existing connection always has an integration.
        let integration = app.tables.integration(environment.id, &query.key).await?;
        return Err(match integration {
            None => Error::refused(400, "unknown_provider_config", "Provider does not exists"),
            Some(_) => Error::refused(404, "not_found", "Failed to find connection"),
        });
    };
    if connection.credentials.is_none() || !may_read_credentials {
        return response::plain(&public(&connection, Map::new(), now));
    }
    let wanted = if query.force_refresh { Wanted::Always } else { Wanted::IfEnding };
    let refresh = Refresh::new(connect, environment, now, ANSWER_WITHIN_CALLING_PROVIDERS);
    match refresh.credentials(connection, wanted).await? {
        Outcome::Credentials(connection, mut credentials) => {
            if !query.with_refresh_token {
                remove_refresh_token(&mut credentials);
            }
            response::plain(&public(&connection, credentials, now))
        }
        Outcome::Failed(connection, failure) => Err(not_renewed(
            400,
            refresh::FAILED,
            &public(&connection, Map::new(), now).with_failure(&failure),
        )),
        Outcome::BackingOff(connection, failure) => Err(not_renewed(
            424,
            if failure.is_exhausted() {
                "The refresh limit has been reached for this connection."
            } else {
                "A recent refresh attempt failed. Backing off before retrying."
            },
            &public(&connection, Map::new(), now).with_failure(&failure),
        )),
    }
}

fn public(
    connection: &Connection,
    credentials: Map<String, Value>,
    now: Timestamp,
) -> PublicConnection<'_> {
    PublicConnection::new(connection, credentials, Some(now), Offset::Numeric)
}

/// The error if the credentials have expired and could not be renewed. Its payload is the
/// connection without credentials.
fn not_renewed(status: u16, message: &'static str, connection: &PublicConnection<'_>) -> Error {
    let payload = json!({ "connection": connection });
    Error::refused_about(status, "invalid_credentials", message, payload)
}

/// The query.
struct Query {
    key: IntegrationKey,
    with_refresh_token: bool,
    force_refresh: bool,
    asks_for_credentials: bool,
}

impl Query {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let key = fields.required("provider_config_key", IntegrationKey::read);
        let with_refresh_token = fields.optional("refresh_token", boolean).unwrap_or_default();
        let force_refresh = fields.optional("force_refresh", boolean).unwrap_or_default();
        let github_token =
            fields.optional("refresh_github_app_jwt_token", boolean).unwrap_or_default();
        let asks_for_credentials = with_refresh_token || force_refresh || github_token;
        Some(Self { key: key?, with_refresh_token, force_refresh, asks_for_credentials })
    }
}

/// A boolean: one of the words for yes and no, in any case.
fn boolean(value: Option<Value>, issues: &mut Issues) -> Option<bool> {
    let word = Value::String(string(value, issues)?.to_lowercase());
    one_of(&BOOLEANS, Some(word), issues).map(|word| TRUE.contains(&word.as_str()))
}

/// Removes the refresh token, also from the stored answer of the provider: it is shown only on
/// request.
fn remove_refresh_token(credentials: &mut Map<String, Value>) {
    if credentials.get("type").is_some_and(|kind| kind == "OAUTH2" || kind == "OAUTH2_CC") {
        credentials.shift_remove("refresh_token");
        if let Some(Value::Object(raw)) = credentials.get_mut("raw") {
            raw.shift_remove("refresh_token");
        }
    }
}
