//! The authorization URL, to which the browser is sent (RFC 6749 section 4.1.1).

use flow::attempt::Attempt;
use flow::failure::Failure;
use flow::form::Form;
use flow::variables::{Lack, Variables};
use serde_json::{Map, Value};

/// Parameters that neither session nor browser can replace, since that would break the flow or send
/// the code elsewhere. `request` and `request_uri` could contain all of them (RFC 9101).
const PROTECTED: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
];

/// The value of an extra parameter that removes one of the provider's.
const REMOVED: &str = "undefined";

/// The values that the flow adds to the provider's own parameters.
#[derive(Debug)]
pub struct AuthorizationRequest<'a> {
    /// `client_id`.
    pub client_id: &'a str,
    /// `redirect_uri`.
    pub redirect_uri: &'a str,
    /// `state`.
    pub state: &'a str,
    /// `code_challenge`, unless the provider refuses PKCE.
    pub code_challenge: Option<String>,
    /// Parameters that the session or the browser adds.
    pub extra: &'a [(String, String)],
}

/// The URL, with its parameters in the contract's order.
pub fn build(
    attempt: &Attempt,
    connection_config: &Map<String, Value>,
    request: AuthorizationRequest<'_>,
) -> Result<String, Failure> {
    let provider = &attempt.provider;
    let none = Map::new();
    let variables = Variables { provider, connection_config, credentials: &none };
    let template = provider.text("authorization_url").unwrap_or_default();
    match variables.lack(template) {
        Some(Lack::Absent) => return Err(Failure::missing_value(template, connection_config)),
        Some(Lack::Empty) => return Err(Failure::empty_value(template)),
        None => {}
    }
    let url = variables
        .fill_url(template)
        .map_err(|error| Failure::new("url_param_err", error.message()))?;

    let mut form = Form::default();
    form.set("response_type", "code");
    form.set("client_id", request.client_id);
    form.set("redirect_uri", request.redirect_uri);
    form.set("scope", scope(attempt));
    form.set("state", request.state);
    let is_removed =
        |name: &str| request.extra.iter().any(|(n, value)| n == name && value == REMOVED);
    for (name, value) in provider.object("authorization_params").into_iter().flatten() {
        if !is_removed(name)
            && let Some(value) = parameter(&variables, value)?
        {
            form.set(name, value);
        }
    }
    if let Some(challenge) = request.code_challenge {
        form.set("code_challenge", challenge);
        form.set("code_challenge_method", "S256");
    }
    if let Some(scopes) = attempt.defaults().and_then(|defaults| defaults.user_scopes.as_ref())
        && provider.name() == "slack"
    {
        form.set("user_scope", scopes);
    }
    for (name, value) in request.extra {
        if !PROTECTED.contains(&name.as_str()) && value != REMOVED {
            form.set(name, value);
        }
    }
    let separator = if url.query().is_some() { '&' } else { '?' };
    Ok(format!("{url}{separator}{}", form.encoded()))
}

/// A parameter of the provider's file; `None` if a value in it is empty.
fn parameter(variables: &Variables<'_>, template: &Value) -> Result<Option<String>, Failure> {
    let template = match template {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match variables.lack(&template) {
        Some(Lack::Absent) => {
            Err(Failure::missing_value("authorization_params", variables.connection_config))
        }
        Some(Lack::Empty) => Ok(None),
        None => variables
            .fill(&template)
            .map(Some)
            .map_err(|error| Failure::new("url_param_err", error.message())),
    }
}

/// The scopes of the session, or those of the integration, with the provider's separator.
fn scope(attempt: &Attempt) -> String {
    let own = attempt.defaults().and_then(|defaults| {
        defaults.connection_config.as_ref()?.get("oauth_scopes_override")?.as_str()
    });
    let client = attempt.integration.client.as_ref();
    let scopes = own.filter(|scopes| !scopes.is_empty());
    let scopes = scopes.or_else(|| client.and_then(|client| client.scopes.as_deref()));
    let separator = attempt.provider.text("scope_separator").unwrap_or(" ");
    scopes.unwrap_or_default().split(',').collect::<Vec<_>>().join(separator)
}
