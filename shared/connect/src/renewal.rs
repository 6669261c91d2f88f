//! Gets new credentials with old ones, without the end user: with a refresh token (RFC 6749 section
//! 6), or with the values that the end user once entered.

use flow::form::Form;
use flow::providers;
use flow::variables::Variables;
use jiff::Timestamp;
use outbound::Outbound;
use secrets::clients::Client;
use serde_json::{Map, Value};
use session::Error;
use session::connection::Connection;
use session::environment::Environment;
use session::integration::Integration;
use session::provider::Provider;
use session::refresh::Fault;

use crate::connect::Connect;
use crate::signed_tokens;
use crate::token_answer::{NoToken, TokenAnswer};
use crate::token_failure::TokenFailure;
use crate::token_request::token_request;
use crate::tokens::{self, ClientCredentials};

/// Error codes that mean that the grant itself is refused: that of RFC 6749 section 5.2, and those
/// that GitHub and Slack use instead.
const GRANT_CODES: [&str; 7] = [
    "invalid_grant",
    "bad_refresh_token",
    "invalid_refresh_token",
    "refresh_token_expired",
    "token_revoked",
    "token_expired",
    "account_inactive",
];
/// Error codes that mean that the client is unknown (RFC 6749 section 5.2; GitHub, Slack).
const CLIENT_CODES: [&str; 5] = [
    "invalid_client",
    "unauthorized_client",
    "incorrect_client_credentials",
    "bad_client_secret",
    "invalid_client_id",
];

/// How deep an answer is searched for codes: `{"errors": [{"code": "invalid_grant"}]}` has depth
/// four.
const DEPTH_MAX: usize = 5;

/// How credentials are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// With a refresh token.
    RefreshToken,
    /// With the client credentials that the end user gave.
    ClientCredentials,
    /// With the values that the end user entered for a two-step provider.
    TwoStep,
    /// With the login at Bill.com.
    Bill,
    /// Locally, by signing.
    Jwt,
    /// Locally, with a digest.
    Signature,
}

impl Means {
    /// The means of renewing credentials; `None` if they cannot be renewed.
    pub fn of(credentials: &Map<String, Value>) -> Option<Self> {
        match credentials.get("type")?.as_str()? {
            "OAUTH2" => refresh_token(credentials).map(|_| Self::RefreshToken),
            "OAUTH2_CC" => Some(Self::ClientCredentials),
            "TWO_STEP" => Some(Self::TwoStep),
            "BILL" => Some(Self::Bill),
            "JWT" => Some(Self::Jwt),
            "SIGNATURE" => Some(Self::Signature),
            _ => None,
        }
    }

    /// Whether the token is made locally, without asking the provider.
    pub fn is_local(self) -> bool {
        matches!(self, Self::Jwt | Self::Signature)
    }
}

fn refresh_token(credentials: &Map<String, Value>) -> Option<&str> {
    credentials.get("refresh_token")?.as_str().filter(|token| !token.is_empty())
}

/// Everything that a renewal needs, read beforehand, so that nothing else can fail between the
/// provider's answer and the write.
#[derive(Debug)]
pub struct Renewal {
    /// The connection's provider.
    pub provider: Provider,
    integration: Integration,
    client: Option<Client>,
}

impl Renewal {
    /// Reads everything that renewing the credentials of a connection needs.
    pub async fn prepare(
        connect: &Connect,
        environment: &Environment,
        connection: &Connection,
        means: Means,
        credentials: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let tables = &connect.app.tables;
        let unknown = || Error::refused(400, "unknown_provider_config", "Provider does not exists");
        let integration = tables.integration(environment.id, &connection.integration_id).await?;
        let integration = integration.ok_or_else(unknown)?;
        let provider = providers::find(tables, environment.id, &integration.provider).await?;
        let provider = provider.ok_or_else(unknown)?;
        let client = if means == Means::RefreshToken {
            match Client::own(credentials) {
                Some(own) => Some(own),
                None => connect.secrets(environment, now).client(&integration).await?,
            }
        } else {
            None
        };
        Ok(Self { provider, integration, client })
    }

    /// Gets new credentials. Lifetimes count from `now`, which is before the request.
    pub async fn make(
        &self,
        outbound: &Outbound,
        connection: &Connection,
        means: Means,
        credentials: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Fault> {
        let given = given(means, credentials);
        let connection_config = &connection.connection_config;
        let variables =
            Variables { provider: &self.provider, connection_config, credentials: &given };
        let made = match means {
            Means::RefreshToken => {
                return self.refresh(outbound, variables, credentials, now).await;
            }
            Means::ClientCredentials => self.client_credentials(outbound, variables, now).await,
            Means::TwoStep => tokens::two_step(outbound, variables, now).await,
            Means::Bill => tokens::bill(outbound, variables, now).await,
            Means::Jwt => signed_tokens::jwt(variables, now).map_err(TokenFailure::from),
            Means::Signature => {
                signed_tokens::user_name_token(variables, now).map_err(TokenFailure::from)
            }
        };
        let mut made = made.map_err(|failure| match failure {
            // These requests consist of the end user's credentials, so those are wrong.
            TokenFailure::Refused(status, _) if matches!(status.as_u16(), 400 | 401 | 403) => {
                Fault::Grant
            }
            _ => Fault::Provider,
        })?;
        for (name, value) in given {
            made.entry(name).or_insert(value);
        }
        Ok(made)
    }

    async fn client_credentials(
        &self,
        outbound: &Outbound,
        variables: Variables<'_>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, TokenFailure> {
        let text = |map: &Map<String, Value>, name: &str| {
            map.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        let config = variables.connection_config;
        let own = self.integration.client.as_ref().and_then(|client| client.scopes.clone());
        let scope = text(config, "oauth_scopes").or(own).filter(|scopes| !scopes.is_empty());
        let scope = scope.map(|scopes| scopes.replace(',', " "));
        let extra = config.get("authorization_params").and_then(Value::as_object);
        let extra: Vec<_> = (extra.into_iter().flatten())
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        let client = ClientCredentials {
            client_id: &text(variables.credentials, "client_id").unwrap_or_default(),
            client_secret: &text(variables.credentials, "client_secret").unwrap_or_default(),
            scope: scope.as_deref(),
            parameters: &extra,
        };
        tokens::client_credentials(outbound, variables, client, now).await
    }

    /// Uses the refresh token. If the answer has no new one, the old one stays valid (RFC 6749
    /// section 6).
    async fn refresh(
        &self,
        outbound: &Outbound,
        variables: Variables<'_>,
        credentials: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Map<String, Value>, Fault> {
        let client = self.client.as_ref().ok_or(Fault::Integration)?;
        let url = ["refresh_url", "token_url"].iter().find_map(|name| self.provider.text(name));
        let url = variables.fill_url(url.unwrap_or_default()).map_err(|_| Fault::Provider)?;
        let parameters = self.parameters(variables, credentials).map_err(|_| Fault::Provider)?;
        let request = token_request(&self.provider, url, parameters, client);
        let request = request.map_err(|_| Fault::Integration)?;
        let answer = outbound.send(request).await.map_err(|_| Fault::Provider)?;
        let token = TokenAnswer::read(&self.provider, &answer, now);
        let token = token.map_err(|refusal| fault(&refusal))?;
        let mut renewed = credentials.clone();
        renewed.insert("access_token".to_owned(), Value::String(token.access_token.clone()));
        if let Some(rotated) = &token.refresh_token {
            renewed.insert("refresh_token".to_owned(), Value::String(rotated.clone()));
        }
        match token.expires_at_text() {
            Some(moment) => renewed.insert("expires_at".to_owned(), moment),
            None => renewed.shift_remove("expires_at"),
        };
        renewed.insert("raw".to_owned(), Value::Object(token.raw_with_expiry()));
        Ok(renewed)
    }

    /// The parameters: `grant_type`, those of the provider, `refresh_token`. The client is added
    /// later.
    fn parameters(
        &self,
        variables: Variables<'_>,
        credentials: &Map<String, Value>,
    ) -> Result<Form, Error> {
        let mut parameters = Form::default();
        parameters.set("grant_type", "refresh_token");
        let own = self.provider.object("refresh_params");
        let own = own.or_else(|| self.provider.object("token_params"));
        for (name, value) in own.into_iter().flatten().filter(|(name, _)| *name != "grant_type") {
            if let Some(value) = variables.fill_parameter(value)? {
                parameters.set(name, value);
            }
        }
        parameters.set("refresh_token", refresh_token(credentials).unwrap_or_default());
        Ok(parameters)
    }
}

/// The values that the end user entered: the credentials without the token that was made from them.
fn given(means: Means, credentials: &Map<String, Value>) -> Map<String, Value> {
    let made = |name: &str| match name {
        "type" | "token" | "expires_at" | "raw" => true,
        "access_token" | "refresh_token" => means == Means::RefreshToken,
        "session_id" | "user_id" => means == Means::Bill,
        _ => false,
    };
    let given = credentials.iter().filter(|(name, _)| !made(name));
    given.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whose fault a refusal is. Only the codes decide, wherever they are in the answer and whatever
/// its status: a grant that is wrongly considered dead costs the end user a new consent.
fn fault(refusal: &NoToken) -> Fault {
    let NoToken::Refused { payload, .. } = refusal else { return Fault::Provider };
    let is_told = |codes: &[&str]| names(payload, codes, DEPTH_MAX);
    if is_told(&GRANT_CODES) {
        Fault::Grant
    } else if is_told(&CLIENT_CODES) {
        Fault::Integration
    } else {
        Fault::Provider
    }
}

/// Whether one of the codes occurs as a value somewhere in an answer.
fn names(value: &Value, codes: &[&str], depth: usize) -> bool {
    match value {
        Value::String(text) => codes.contains(&text.as_str()),
        Value::Array(values) if depth > 0 => {
            values.iter().any(|value| names(value, codes, depth - 1))
        }
        Value::Object(fields) if depth > 0 => {
            fields.values().any(|value| names(value, codes, depth - 1))
        }
        _ => false,
    }
}
