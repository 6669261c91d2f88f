//! `POST /connect/telemetry` logs what happens in the Connect UI (contract section 10.5).

use api::{App, Error, Request, Response, Timestamp, auth, request, response};
use jiff::SignedDuration;
use serde_json::Value;
use session::date;
use session::fields::{Fields, Issues, one_of, string};
use session::integration::IntegrationKey;
use session::token::SessionToken;

/// The events that the Connect UI can report.
const EVENTS: [&str; 15] = [
    "open",
    "view:list",
    "view:integration",
    "view:unknown_error",
    "view:credentials_error",
    "view:success",
    "click:integration",
    "click:doc",
    "click:doc_section",
    "click:connect",
    "click:close",
    "click:finish",
    "click:outside",
    "popup:blocked_by_browser",
    "popup:closed_early",
];

/// How far the browser's clock may differ from this one.
const TIMESTAMP_AWAY_MAX: SignedDuration = SignedDuration::from_millis(7_200_000);

/// Answers 204, and writes a line to the log.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let token = match body.as_ref().and_then(|body| body.get("token")) {
        None | Some(Value::Null) => return Err(Error::MissingAuthHeader),
        Some(Value::String(text)) if text.is_empty() => return Err(Error::MissingAuthHeader),
        Some(Value::String(text)) => SessionToken::parse(text).ok(),
        Some(_) => None,
    };
    let token = token.ok_or(Error::InvalidSessionTokenFormat)?;
    auth::session(app, &token, now).await?;
    request::no_query(&request)?;
    let (event, integration) = read(body, now)?;
    let integration = integration.as_ref().map(IntegrationKey::as_str);
    tracing::info!(event, integration, request_id = api::telemetry::request_id(), "telemetry");
    Ok(response::no_content())
}

fn read(body: Option<Value>, now: Timestamp) -> Result<(String, Option<IntegrationKey>), Error> {
    let mut issues = Issues::default();
    let read = Fields::of(body, &mut issues).and_then(|mut fields| {
        fields.required("token", string);
        let event = fields.required("event", |value, issues| one_of(&EVENTS, value, issues));
        fields.required("timestamp", |value, issues| timestamp(value, now, issues));
        let integration = fields.optional("dimensions", |value, issues| {
            let mut dimensions = Fields::of(value, issues)?;
            dimensions.optional("integration", IntegrationKey::read)
        });
        fields.finish();
        Some((event?, integration))
    });
    issues.finish(read).map_err(Error::InvalidBody)
}

/// Checks that a timestamp is close enough to `now`.
fn timestamp(value: Option<Value>, now: Timestamp, issues: &mut Issues) -> Option<()> {
    let moment = date::read(value, issues)?;
    if moment.duration_since(now).abs() > TIMESTAMP_AWAY_MAX {
        let most = TIMESTAMP_AWAY_MAX.as_millis();
        let message = format!("timestamp is more than {most}ms away from the current time");
        issues.push("custom", message);
    }
    Some(())
}
