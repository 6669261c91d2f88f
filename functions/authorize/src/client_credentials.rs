//! `POST /oauth2/auth/{providerConfigKey}`: OAuth 2.0 client credentials (section 5 of the flow).
//! Its order of checks and the form of its errors are those of an older API.

use api::{Error, Request, Response, Timestamp, auth, request, response};
use connect::Connect;
use connect::saving::Credentials;
use connect::token_failure::TokenFailure;
use connect::tokens::{self, ClientCredentials};
use flow::attempt::Attempt;
use flow::parameters::Parameters;
use flow::variables::Variables;
use secrets::clients::Client;
use serde::Serialize;
use serde_json::{Map, Value, json};
use session::connection::Connection;
use session::fields::{Fields, Issues};
use session::integration::IntegrationKey;
use session::provider::AuthMode;

use crate::attempt;

/// Answers 200 with the id of the connection.
pub async fn handle(
    connect: &Connect,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    let app = &connect.app;
    let body = request::body_or_form(&request)?;
    let query = request::query(&request);
    let token = auth::query_token(&query)?;
    let (session, environment) = auth::session(app, &token, now).await?;
    let mut issues = Issues::default();
    // A body that is not an object has no fields, so its client id is missing.
    let is_sent = body.is_some();
    let fields = body.and_then(|body| Fields::of(Some(body), &mut issues).map(Fields::rest));
    if !is_sent {
        issues.wrong_type("object", None);
        return Err(Error::InvalidBody(issues.into_found()));
    }
    let fields = fields.unwrap_or_default();
    let client_id = text(&fields, "client_id").ok_or_else(|| missing("client_id"))?;
    let client_secret = text(&fields, "client_secret")
        .or_else(|| text(&fields, "client_private_key"))
        .ok_or_else(|| missing("client_secret"))?;
    let parameters = Parameters::read_leniently(query);
    parameters.refuse_connection_id()?;

    let key = request::path_parameter(&request, "providerConfigKey");
    let key = key.and_then(|key| IntegrationKey::parse(&key)).ok_or_else(unknown_integration)?;
    let integration = app.grants.integration(&app.tables, environment.id, &key, now).await?;
    let integration = integration.ok_or_else(unknown_integration)?;
    let attempt = attempt::begin(connect, &token, session, environment, integration).await?;
    if attempt.provider.auth_mode() != AuthMode::OAuth2ClientCredentials {
        let message = "Invalid auth mode. The provider does not support this auth mode.";
        return Err(Error::refused_with_payload(400, "invalid_auth_mode", message, json!({})));
    }
    attempt.require_allowed()?;
    let target = attempt.require_target(&app.tables).await?;

    let submitted = Submitted { fields, client_id, client_secret, params: parameters.params };
    let connected = connected(connect, &attempt, target, submitted, now).await;
    let connection_id = attempt::tell_if_failed(connect, &attempt, connected, now).await?;
    response::plain(&Connected { provider_config_key: key.as_str(), connection_id: &connection_id })
}

/// The values that the end user submits.
struct Submitted {
    fields: Map<String, Value>,
    client_id: String,
    client_secret: String,
    params: Map<String, Value>,
}

/// Gets a token from the provider, saves the connection, and returns its id.
async fn connected(
    connect: &Connect,
    attempt: &Attempt,
    target: Option<Connection>,
    submitted: Submitted,
    now: Timestamp,
) -> Result<String, Error> {
    let Submitted { fields, client_id, client_secret, params } = submitted;
    let scopes = params.get("oauth_scopes").and_then(Value::as_str);
    let own = attempt.integration.client.as_ref().and_then(|client| client.scopes.as_deref());
    let scope = scopes.or(own).filter(|scopes| !scopes.is_empty());
    let scope = scope.map(|scopes| scopes.replace(',', " "));
    let extra = attempt.authorization_params().unwrap_or_default();
    let mut connection_config = attempt.connection_config(params);
    if !extra.is_empty() {
        let extra: Map<_, _> =
            extra.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        connection_config.insert("authorization_params".to_owned(), Value::Object(extra));
    }
    let variables = Variables {
        provider: &attempt.provider,
        connection_config: &connection_config,
        credentials: &fields,
    };
    let client = ClientCredentials {
        client_id: &client_id,
        client_secret: &client_secret,
        scope: scope.as_deref(),
        parameters: &extra,
    };
    let credentials = tokens::client_credentials(&connect.outbound, variables, client, now)
        .await
        .map_err(TokenFailure::of_client_credentials)?;
    let new = Credentials {
        credentials,
        connection_config,
        metadata: None,
        moves_updated_at: false,
        kept_tags: target.map(|target| target.tags),
        restores_deleted: false,
        client: Some(Client { id: client_id, secret: client_secret }),
    };
    attempt::save(connect, attempt, new, now).await
}

/// A text that is not empty, or a number as text.
fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn missing(name: &'static str) -> Error {
    let code = if name == "client_id" { "missing_client_id" } else { "missing_client_secret" };
    let message = format!("Missing param 'oauth_{name}'.");
    Error::refused_with_payload(400, code, message, json!({}))
}

fn unknown_integration() -> Error {
    let message = "There is no Provider Configuration matching this key. Please make sure this \
                   value exists in the Nango dashboard {}";
    Error::refused_with_payload(400, "unknown_provider_config", message, json!({}))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'a> {
    provider_config_key: &'a str,
    connection_id: &'a str,
}
