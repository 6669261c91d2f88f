//! Completes a connection without a redirect: the end user's own credentials come in, a connection
//! goes out (sections 4 and 5 of the flow).
//!
//! | route | auth mode |
//! |---|---|
//! | `POST /auth/unauthenticated/{providerConfigKey}` | `NONE` |
//! | `POST /api-auth/api-key/{providerConfigKey}` | `API_KEY` |
//! | `POST /api-auth/basic/{providerConfigKey}` | `BASIC` |
//! | `POST /oauth2/auth/{providerConfigKey}` | `OAUTH2_CC` |
//! | `POST /auth/jwt/{providerConfigKey}` | `JWT` |
//! | `POST /auth/two-step/{providerConfigKey}` | `TWO_STEP` |
//! | `POST /auth/tba/{providerConfigKey}` | `TBA` |
//! | `POST /auth/signature/{providerConfigKey}` | `SIGNATURE` |
//! | `POST /auth/bill/{providerConfigKey}` | `BILL` |
//! | `POST /auth/aws-sigv4/{providerConfigKey}` | none: answers `invalid_auth_mode` |
//! | `POST /auth/oauth-outbound/{providerConfigKey}` | none: answers `invalid_auth_mode` |
//!
//! - `submission`: the values that the end user submits, by auth mode.
//! - `attempt`: the beginning and the end of an attempt.
//! - `client_credentials`: `/oauth2/auth`, which has its own order of checks and errors.

mod attempt;
mod client_credentials;
mod submission;

use api::{Error, Request, Response, Timestamp, auth, request, response};
use connect::saving::Credentials;
use connect::token_failure::TokenFailure;
use connect::{Connect, signed_tokens, tokens, verification};
use flow::attempt::Attempt;
use flow::parameters::{Parameters, integration_key};
use flow::variables::Variables;
use serde::Serialize;
use serde_json::Map;
use session::connection::Connection;
use session::provider::AuthMode;

use submission::Submission;

/// Answers 200 with the id of the connection.
pub async fn handle(
    connect: &Connect,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    let route = request::route_key(&request);
    if route.starts_with("POST /oauth2/auth/") {
        return client_credentials::handle(connect, request, now).await;
    }
    let app = &connect.app;
    let body = request::body(&request)?;
    let query = request::query(&request);
    let token = auth::query_token(&query)?;
    let (session, environment) = auth::session(app, &token, now).await?;
    let submission = Submission::read(&route, body)?;
    let parameters = Parameters::read(query)?;
    let key = integration_key(&request)?;
    parameters.refuse_connection_id()?;

    let integration = app.grants.integration(&app.tables, environment.id, &key, now).await?;
    let integration =
        integration.ok_or_else(|| Error::refused(404, "unknown_provider_config", ""))?;
    let attempt = attempt::begin(connect, &token, session, environment, integration).await?;
    if Some(attempt.provider.auth_mode()) != submission.auth_mode() {
        return Err(Error::refused(400, "invalid_auth_mode", ""));
    }
    attempt.require_allowed()?;
    let target = attempt.require_target(&app.tables).await?;

    let connected = connected(connect, &attempt, target, submission, parameters, now).await;
    let connection_id = attempt::tell_if_failed(connect, &attempt, connected, now).await?;
    response::plain(&Connected { connection_id: &connection_id, provider_config_key: key.as_str() })
}

/// Gets and verifies the credentials, saves the connection, and returns its id.
async fn connected(
    connect: &Connect,
    attempt: &Attempt,
    target: Option<Connection>,
    submission: Submission,
    parameters: Parameters,
    now: Timestamp,
) -> Result<String, Error> {
    let connection_config = attempt.connection_config(parameters.params);
    let variables = Variables {
        provider: &attempt.provider,
        connection_config: &connection_config,
        credentials: submission.values(),
    };
    let credentials = match attempt.provider.auth_mode() {
        AuthMode::Jwt => signed_tokens::jwt(variables, now)?,
        AuthMode::Signature => signed_tokens::user_name_token(variables, now)?,
        AuthMode::TwoStep => tokens::two_step(&connect.outbound, variables, now)
            .await
            .map_err(TokenFailure::of_two_step)?,
        AuthMode::Bill => {
            tokens::bill(&connect.outbound, variables, now).await.map_err(TokenFailure::of_bill)?
        }
        _ => submission.credentials(),
    };
    let mut client = None;
    if attempt.provider.auth_mode() != AuthMode::None {
        client = attempt::client(connect, attempt, &credentials, now).await?;
    }
    // The provider has just taken those of the other modes, in exchange for a token.
    if is_verified(attempt.provider.auth_mode()) {
        let variables = Variables { credentials: &credentials, ..variables };
        verification::verify(&connect.outbound, variables, client.as_ref(), now).await?;
    }
    let new = Credentials {
        credentials,
        connection_config,
        metadata: Some(Map::new()),
        moves_updated_at: true,
        kept_tags: target.map(|target| target.tags),
        restores_deleted: false,
        client,
    };
    attempt::save(connect, attempt, new, now).await
}

/// Whether credentials of a mode are tried before they are saved.
fn is_verified(mode: AuthMode) -> bool {
    use AuthMode::{ApiKey, Basic, Jwt, Signature, Tba};
    matches!(mode, ApiKey | Basic | Jwt | Signature | Tba)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'a> {
    connection_id: &'a str,
    provider_config_key: &'a str,
}
