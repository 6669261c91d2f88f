//! `GET /oauth/callback`: the provider has sent the browser back, and a connection is made with the
//! code (section 7 of the flow). `POST` is for providers that answer with a form; it redirects to
//! `GET`, because a browser sends no `Lax` cookie with a `POST` from another site.
//!
//! - `callback`: the parameters that the provider sent.
//! - `finishing`: finishes a flow.
//! - `exchange`: the token request.

mod callback;
pub mod exchange;
mod finishing;

use std::time::Duration;

use api::lambda::Start;
use api::settings::Settings;
use api::{Error, InitError, Request, Response, Timestamp, request, response, telemetry};
use callback::Callback;
use connect::Connect;
use finishing::Finishing;
use flow::failure::Failure;
use flow::{cookie, messages, page};
use lambda_http::http::header::{HeaderName, REFERER};
use lambda_http::http::{Method, StatusCode};
use serde_json::Value;
use session::oauth_flow::FlowToken;
use sockets::Sockets;
use tables::oauth_states::Taken;
use url::Url;
use url::form_urlencoded::Serializer;

/// The longest form that is passed on in a query: API Gateway accepts 10,240 bytes of request line
/// and headers together.
const FORM_LENGTH_MAX: usize = 8_000;

/// How often a second callback checks whether the first has ended, and the pause between checks.
const LOOKS: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// The state of the function.
#[derive(Debug)]
pub struct FinishOauth {
    /// DynamoDB, KMS and the client for providers.
    pub connect: Connect,
    /// The sockets that wait for an outcome.
    pub sockets: Sockets,
}

impl FinishOauth {
    /// Adds the clients to what the start of the process provides.
    pub fn new(start: Start) -> Result<Self, InitError> {
        let url = start.app.settings.websocket_api_url.clone();
        let sockets = Sockets::new(start.aws.clone(), url);
        Ok(Self { connect: Connect::start(start)?, sockets })
    }
}

impl AsRef<Settings> for FinishOauth {
    fn as_ref(&self) -> &Settings {
        self.connect.as_ref()
    }
}

/// Answers a page that shows how the flow ended.
pub async fn handle(
    connect: &Connect,
    sockets: &Sockets,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    // A prefetch must not use up the code (Speculation Rules, section 5.3).
    let purpose = request::header(request.headers(), &HeaderName::from_static("sec-purpose"));
    if purpose.is_some_and(|purpose| purpose.contains("prefetch")) {
        return Ok(response::no_content());
    }
    if request.method() == Method::POST {
        return as_get(&request);
    }
    let query = request::query(&request);
    match finish(connect, sockets, &request, Callback(&query), now).await {
        Ok(page) => Ok(page),
        Err(error) => Ok(page::of_error(&error)),
    }
}

async fn finish(
    connect: &Connect,
    sockets: &Sockets,
    request: &Request,
    callback: Callback<'_>,
    now: Timestamp,
) -> Result<Response, Error> {
    let state = match callback.state() {
        None if callback.is_installation() => return installation(request),
        None => return Ok(failed(&callback, "invalid_oauth_state", "No state found in callback")),
        Some(Value::String(state)) => state,
        Some(_) => return Ok(failed(&callback, "invalid_oauth_state", "invalid_oauth_state")),
    };
    let unknown = format!("No session found for state: \"{state}\"");
    let Some(state) = FlowToken::parse(state) else {
        // The recorded service's states are UUIDs, so a UUID is unknown and not malformed.
        return Ok(match session::Uuid::try_parse(state) {
            Ok(_) => failed(&callback, "unknown_state", &unknown),
            Err(_) => failed(&callback, "invalid_oauth_state", "invalid_oauth_state"),
        });
    };
    let cookie = cookie::read(request.headers(), &state);
    match take(connect, &state, cookie.as_ref(), now).await? {
        Taken::Unknown => Ok(failed(&callback, "unknown_state", &unknown)),
        Taken::Foreign(flow) => {
            let failure = Failure::new(
                "state_cookie_err",
                "OAuth state cookie missing. The callback must be completed by the same browser \
                 that started the flow — a server-side or fetch-forwarded callback does not \
                 include it.",
            );
            let draft = &flow.draft;
            let id = draft.connection_id.as_str();
            let message = messages::error(draft.integration.as_str(), id, &failure);
            sockets.tell(flow.ws_client_id.as_deref(), &message).await;
            Ok(failed(&callback, failure.error_type, &failure.description))
        }
        Taken::Before(Some(end)) => Ok(page::of_end(&end)),
        Taken::Before(None) => {
            let text = "This authorization was begun before, and did not get to its end.";
            Ok(failed(&callback, "flow_not_finished", text))
        }
        Taken::Now(flow, secrets) => {
            let cookie =
                cookie.ok_or_else(|| Error::internal("a flow was taken without cookie"))?;
            let state = state.hash();
            let finishing = Finishing { connect, sockets, callback: &callback, state, now };
            finishing.finish(*flow, &cookie, &secrets).await
        }
    }
}

/// Takes the flow. If another callback has taken it and has not ended yet, this waits for its end,
/// because a browser that was sent here twice shows the page of the second request.
async fn take(
    connect: &Connect,
    state: &FlowToken,
    cookie: Option<&FlowToken>,
    now: Timestamp,
) -> Result<Taken, Error> {
    let hashes = (state.hash(), cookie.map(FlowToken::hash));
    for _ in 0..LOOKS {
        match connect.app.tables.take_flow(&hashes.0, hashes.1.as_ref(), now).await? {
            Taken::Before(None) => tokio::time::sleep(PAUSE).await,
            taken => return Ok(taken),
        }
    }
    Ok(Taken::Before(None))
}

/// The page for a failure that is not stored with a flow.
fn failed(callback: &Callback<'_>, error_type: &'static str, text: &str) -> Response {
    telemetry::note(|summary| summary.code = Some(error_type));
    page::of_end(&Failure::new(error_type, text).end(callback.error_json()))
}

/// Redirects to the page from which the browser came. Only that page itself can cause this, by
/// linking here.
fn installation(request: &Request) -> Result<Response, Error> {
    let referer = request::header(request.headers(), &REFERER);
    let referer = referer.and_then(|referer| Url::parse(&referer).ok());
    let referer = referer.filter(|url| matches!(url.scheme(), "http" | "https"));
    let location = referer.map_or_else(|| "https://github.com".to_owned(), String::from);
    response::redirect(StatusCode::FOUND, &location, None)
}

/// Redirects with 303 to the same callback, with the form as its query.
fn as_get(request: &Request) -> Result<Response, Error> {
    let form = url::form_urlencoded::parse(request.body());
    let query = Serializer::new(String::new()).extend_pairs(form).finish();
    if query.len() > FORM_LENGTH_MAX {
        return Ok(page::of_error(&Error::PayloadTooLarge));
    }
    let location = format!("{}/oauth/callback?{query}", request::base_url(request));
    response::redirect(StatusCode::SEE_OTHER, &location, None)
}
