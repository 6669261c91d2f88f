//! `GET /connect/session` answers what the session allows (contract section 3), and
//! `GET /connect/session/outcomes` how attempts to connect with it ended.

use api::{App, Error, Request, Response, Timestamp, auth, request, response};
use serde::Serialize;
use serde_json::value::RawValue;
use session::connect_session::ConnectSession;
use session::end_user::EndUser;
use session::integration::{ConfigDefaults, IntegrationKey, Override, PerIntegration};

/// Answers 200 with the session's configuration. Reading neither extends nor ends the session.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let token = auth::session_token(&request)?;
    if request::route_key(&request).ends_with("/outcomes") {
        // A popup that was open when the session expired can still finish, and its opener asks for
        // the outcome.
        let session = auth::lately_live_session(app, &token, now).await?;
        request::no_query(&request)?;
        request::no_body(body)?;
        return response::ok(&session.outcomes);
    }
    let (session, _) = auth::session(app, &token, now).await?;
    request::no_query(&request)?;
    request::no_body(body)?;
    response::ok(&View::of(session, &app.settings.websockets_path)?)
}

/// The part of a session that the browser sees: without tags, `user_scopes` and the webhook URL.
#[derive(Serialize)]
struct View<'a> {
    #[serde(rename = "endUser")]
    end_user: Option<EndUser>,
    #[serde(rename = "connectUISettings")]
    connect_ui: Box<RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_integrations: Vec<IntegrationKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integrations_config_defaults: Option<PerIntegration<ConfigDefaults>>,
    #[serde(rename = "isReconnecting", skip_serializing_if = "Option::is_none")]
    is_reconnecting: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overrides: Option<PerIntegration<Override>>,
    #[serde(rename = "websocketsPath")]
    websockets_path: &'a str,
}

impl<'a> View<'a> {
    fn of(session: ConnectSession, websockets_path: &'a str) -> Result<Self, Error> {
        let is_reconnecting = session.connection.is_some().then_some(true);
        let mut defaults = session.integrations_config_defaults;
        for entry in defaults.iter_mut().flat_map(PerIntegration::values_mut) {
            entry.user_scopes = None;
        }
        // A connection's own end user is shown even if another one was sent for the session.
        let on_record = session.connection.and_then(|connection| connection.end_user);
        Ok(Self {
            end_user: on_record.or(session.end_user),
            connect_ui: session.connect_ui.into_json().map_err(Error::internal)?,
            allowed_integrations: session.allowed_integrations,
            integrations_config_defaults: defaults,
            is_reconnecting,
            overrides: session.overrides,
            websockets_path,
        })
    }
}
