//! `GET /oauth/connect/{providerConfigKey}` sends a browser to the provider, where the user
//! consents (section 6 of the flow). `HEAD` answers the same.
//!
//! - `authorization_url`: the URL at the provider.
//! - `pkce`: the code verifier and its challenge.

mod authorization_url;
mod pkce;

use std::sync::Arc;

use api::settings::Settings;
use api::{
    App, Error, InitError, Request, Response, Timestamp, auth, lambda, request, response, telemetry,
};
use authorization_url::AuthorizationRequest;
use flow::attempt::Attempt;
use flow::failure::Failure;
use flow::messages;
use flow::overrides::Overrides;
use flow::parameters::Parameters;
use flow::secrets::FlowSecrets;
use flow::{cookie, page};
use lambda_http::http::StatusCode;
use serde_json::{Map, Value};
use session::Uuid;
use session::connect_session::ConnectSession;
use session::connection::ConnectionId;
use session::environment::Environment;
use session::integration::IntegrationKey;
use session::oauth_flow::{Draft, FlowToken, OauthFlow, Outcome};
use session::provider::AuthMode;
use session::token::TokenHash;
use sockets::Sockets;
use tables::StoreError;
use tables::attempts::End;

/// The most characters of an unknown integration's name that are stored in an outcome.
const NAME_LENGTH_MAX: usize = 255;

/// Why the browser is not redirected.
enum Stop {
    /// Answered as JSON, or as a page if a browser navigates.
    Refused(Error),
    /// Always a page.
    Failed(Failure),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// The state of the function.
#[derive(Debug)]
pub struct StartOauth {
    /// Settings, DynamoDB, and the cache of keys, environments and integrations.
    pub app: App,
    /// The sockets that wait for an outcome.
    pub sockets: Sockets,
}

impl StartOauth {
    /// Adds the sockets to what the start of the process provides.
    pub fn new(start: lambda::Start) -> Result<Self, InitError> {
        let url = start.app.settings.websocket_api_url.clone();
        Ok(Self { app: start.app, sockets: Sockets::new(start.aws, url) })
    }
}

impl AsRef<Settings> for StartOauth {
    fn as_ref(&self) -> &Settings {
        &self.app.settings
    }
}

/// Answers 302 to the provider's consent page, with the cookie of the flow.
pub async fn handle(
    app: &App,
    sockets: &Sockets,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    request::body(&request)?;
    let query = request::query(&request);
    let started = Start { app, sockets, request: &request, query: &query, now };
    match started.start().await {
        Ok(response) => Ok(response),
        Err(error) if request::is_navigation(&request) => {
            let refused = Failure::new(error.code(), error.message());
            let id = ConnectionId::generate();
            let message = messages::error(&started.name(), id.as_str(), &refused);
            sockets.tell(started.ws_client_id(), &message).await;
            Ok(page::of_error(&error))
        }
        Err(error) => Err(error),
    }
}

/// One start of a flow.
struct Start<'a> {
    app: &'a App,
    sockets: &'a Sockets,
    request: &'a Request,
    query: &'a Map<String, Value>,
    now: Timestamp,
}

impl Start<'_> {
    async fn start(&self) -> Result<Response, Error> {
        let token = auth::query_token(self.query)?;
        let (session, environment) = auth::session(self.app, &token, self.now).await?;
        let outcomes_before = session.outcomes.len();
        let known = (environment.id, token.hash(), outcomes_before);
        let target = session.connection.as_ref().map(|target| target.connection_id.clone());
        let id = target.unwrap_or_else(ConnectionId::generate);
        match self.redirect(token.hash(), session, environment, &id).await {
            Ok(response) => Ok(response),
            Err(Stop::Refused(error)) => Err(error),
            Err(Stop::Failed(failure)) => Ok(self.failed(known, &id, &failure).await?),
        }
    }

    /// All checks in the contract's order, then the redirect.
    async fn redirect(
        &self,
        token: TokenHash,
        session: ConnectSession,
        environment: Arc<Environment>,
        id: &ConnectionId,
    ) -> Result<Response, Stop> {
        let tables = &self.app.tables;
        let parameters = Parameters::read_leniently(self.query.clone());
        parameters.refuse_connection_id()?;
        let unknown = || Stop::Failed(Failure::unknown_integration(&self.name()));
        let key = IntegrationKey::parse(&self.name()).ok_or_else(unknown)?;
        let found = self.app.grants.integration(tables, environment.id, &key, self.now).await?;
        let integration = found.ok_or_else(unknown)?;
        let provider = integration.provider.clone();
        let attempt = Attempt::new(tables, token, session, environment, integration).await?;
        let attempt = attempt.ok_or_else(|| Stop::Failed(Failure::unknown_provider(&provider)))?;
        attempt.require_allowed()?;
        attempt.require_target(tables).await?;

        let browser = self.query.get("credentials").and_then(Value::as_object);
        let overrides = Overrides::of_browser(browser).or(attempt.overrides());
        let client_id = client_id(&attempt, &overrides)
            .ok_or_else(|| Stop::Failed(Failure::no_client(key.as_str())))?;
        let mode = attempt.provider.auth_mode();
        if mode != AuthMode::OAuth2 {
            let text = format!("Auth mode {} not supported.", mode.as_str());
            return Err(Stop::Failed(Failure::new("auth_mode_err", text)));
        }

        let mut config = attempt.connection_config(parameters.params);
        Overrides::take_all(&mut config);
        let (state, cookie) = (flow_token()?, flow_token()?);
        let redirect_uri = self.redirect_uri(&attempt);
        let has_pkce = attempt.provider.template().get("disable_pkce") != Some(&Value::Bool(true));
        let code_verifier = has_pkce.then(pkce::verifier).transpose()?;
        let location = authorization_url::build(
            &attempt,
            &config,
            AuthorizationRequest {
                client_id: &client_id,
                redirect_uri: &redirect_uri,
                state: state.expose(),
                code_challenge: code_verifier.as_deref().map(pkce::challenge),
                extra: &self.extra(&attempt),
            },
        )
        .map_err(Stop::Failed)?;

        remember_scopes(&attempt, &mut config);
        let flow = OauthFlow {
            draft: Draft { connection_id: id.clone(), ..attempt.draft() },
            connection_config: Some(config).filter(|config| !config.is_empty()),
            redirect_uri,
            ws_client_id: self.ws_client_id().map(str::to_owned),
        };
        let secrets = FlowSecrets { code_verifier, overrides }.seal(&cookie, &state.hash())?;
        tables.put_flow(&state.hash(), &cookie.hash(), &flow, secrets, self.now).await?;
        let is_https = request::base_url(self.request).starts_with("https:");
        let cookie = cookie::set(&state, &cookie, is_https, self.now);
        Ok(response::redirect(StatusCode::FOUND, &location, Some(&cookie))?)
    }

    /// The page for a failure, which is also stored with the session and sent to the websocket
    /// client.
    async fn failed(
        &self,
        (environment, session, outcomes_before): (Uuid, TokenHash, usize),
        id: &ConnectionId,
        failure: &Failure,
    ) -> Result<Response, StoreError> {
        telemetry::note(|summary| summary.code = Some(failure.error_type));
        let name: String = self.name().chars().take(NAME_LENGTH_MAX).collect();
        let outcome = Outcome::failed(&name, failure.error_type, self.now);
        let end =
            End { environment, session: &session, outcomes_before, outcome: &outcome, flow: None };
        self.app.tables.fail(end, Vec::new()).await?;
        let message = messages::error(&name, id.as_str(), failure);
        self.sockets.tell(self.ws_client_id(), &message).await;
        Ok(page::of_end(&failure.end(None)))
    }

    /// The name of the integration in the path.
    fn name(&self) -> String {
        request::path_parameter(self.request, "providerConfigKey").unwrap_or_default()
    }

    fn ws_client_id(&self) -> Option<&str> {
        let id = self.query.get("ws_client_id").and_then(Value::as_str);
        id.filter(|id| !id.is_empty() && id.len() <= NAME_LENGTH_MAX)
    }

    /// The URL to which the provider sends the browser back: the environment's, or that of this
    /// API.
    fn redirect_uri(&self, attempt: &Attempt) -> String {
        let own = attempt.environment.callback_url.clone();
        own.unwrap_or_else(|| format!("{}/oauth/callback", request::base_url(self.request)))
    }

    /// The session's authorization parameters, or the browser's if the session has none.
    fn extra(&self, attempt: &Attempt) -> Vec<(String, String)> {
        attempt.authorization_params().unwrap_or_else(|| {
            let sent = self.query.get("authorization_params").and_then(Value::as_object);
            let sent = sent.into_iter().flatten();
            sent.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect()
        })
    }
}

/// The client id, if the integration or the overrides have both an id and a secret.
fn client_id(attempt: &Attempt, overrides: &Overrides) -> Option<String> {
    let stored = attempt.integration.client.as_ref();
    let has_secret = overrides.client_secret.is_some()
        || stored.is_some_and(|client| client.client_secret.is_some());
    let id = overrides.client_id.clone();
    id.or_else(|| stored?.client_id.clone()).filter(|id| has_secret && !id.is_empty())
}

/// Stores the scopes that the session or the browser asked for in the connection's configuration.
fn remember_scopes(attempt: &Attempt, config: &mut Map<String, Value>) {
    if let Some(scopes) = attempt.defaults().and_then(|defaults| defaults.user_scopes.as_ref()) {
        config.insert("user_scope".to_owned(), Value::String(scopes.clone()));
    }
    if let Some(Value::String(scopes)) = config.get("oauth_scopes_override") {
        let scopes = scopes.split(',').map(Value::from).collect();
        config.insert("oauth_scopes_override".to_owned(), Value::Array(scopes));
    }
}

fn flow_token() -> Result<FlowToken, Error> {
    FlowToken::generate().map_err(Error::internal)
}
