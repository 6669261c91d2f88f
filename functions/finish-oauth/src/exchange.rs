//! Exchanges the code for a token (RFC 6749 section 4.1.3), and makes credentials from the token.

use api::Timestamp;
use connect::token_answer::{NoToken, TokenAnswer, at};
use connect::token_request::token_request;
use flow::failure::Failure;
use flow::form::Form;
use flow::overrides::Overrides;
use flow::variables::Variables;
use outbound::{Outbound, Request};
use secrets::clients::Client;
use serde_json::{Map, Value, json};
use session::Error;
use session::oauth_flow::OauthFlow;

use crate::callback::Callback;

/// The values of a token request. There is no `Debug` form, since they are secret.
pub struct Grant<'a> {
    /// `code`.
    pub code: &'a str,
    /// `redirect_uri`, the same as in the authorization request.
    pub redirect_uri: &'a str,
    /// `code_verifier`.
    pub code_verifier: Option<&'a str>,
    /// The client.
    pub client: &'a Client,
}

/// Redeems a code. It is sent only once, whatever the answer.
pub async fn redeem(
    outbound: &Outbound,
    variables: Variables<'_>,
    grant: Grant<'_>,
    now: Timestamp,
) -> Result<TokenAnswer, Failure> {
    let provider = variables.provider;
    let request = request(&variables, &grant)
        .map_err(|error| Failure::new("url_param_err", error.message()))?;
    let answer = outbound.send(request).await.map_err(|error| {
        unknown(&json!({ "name": "Error", "message": format!("Client request error: {}", reason(&error)) }))
    })?;
    TokenAnswer::read(provider, &answer, now).map_err(|problem| match problem {
        NoToken::Refused { status, payload, .. } if !status.is_success() => {
            let mut failure = unknown(&json!({
                "name": "Error",
                "message": format!("Response Error: {status}"),
                "provider_error_payload": payload,
            }));
            grant.redact(&mut failure);
            failure
        }
        NoToken::Unreadable => unknown(
            &json!({ "name": "Error", "message": "The content-type is not JSON compatible" }),
        ),
        // By the contract, an error with a success status counts as an answer without a token.
        NoToken::Refused { .. } | NoToken::Incomplete => Failure::unknown(None).announced_as(
            "unable_to_parse_token_response",
            "OAuth2 token request failed, response from the server could not be parsed".to_owned(),
        ),
    })
}

/// The token request, with its parameters in the contract's order.
pub fn request(variables: &Variables<'_>, grant: &Grant<'_>) -> Result<Request, Error> {
    let provider = variables.provider;
    let url = variables.fill_url(provider.text("token_url").unwrap_or_default())?;
    let mut form = Form::default();
    form.set("grant_type", "authorization_code");
    form.set("code", grant.code);
    form.set("redirect_uri", grant.redirect_uri);
    for (name, value) in provider.object("token_params").into_iter().flatten() {
        if let Some(value) = variables.fill_parameter(value)? {
            form.set(name, value);
        }
    }
    if let Some(verifier) = grant.code_verifier {
        form.set("code_verifier", verifier);
    }
    token_request(provider, url, form, grant.client)
}

impl Grant<'_> {
    /// Removes secrets of the request from the failure, since some providers quote the request.
    fn redact(&self, failure: &mut Failure) {
        let secrets = [Some(self.client.secret.as_str()), self.code_verifier, Some(self.code)];
        for secret in secrets.into_iter().flatten().filter(|secret| secret.len() >= 8) {
            failure.description = failure.description.replace(secret, "…");
            if let Some((_, description)) = &mut failure.webhook {
                *description = description.replace(secret, "…");
            }
        }
    }
}

fn unknown(error: &Value) -> Failure {
    Failure::unknown(Some(error)).announced("unknown")
}

/// Why there is no answer, in the contract's words if it has any.
fn reason(error: &outbound::Error) -> String {
    match error {
        outbound::Error::Protocol { .. } => "socket hang up".to_owned(),
        error => error.to_string(),
    }
}

/// The credentials of the connection, in the form that GET answers.
pub fn credentials(answer: &TokenAnswer, overrides: &Overrides) -> Map<String, Value> {
    let refresh_token = overrides.refresh_token.as_ref().or(answer.refresh_token.as_ref());
    let client: Map<_, _> =
        [("client_id", &overrides.client_id), ("client_secret", &overrides.client_secret)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
            .collect();
    let parts = [
        ("type", Some(json!("OAUTH2"))),
        ("access_token", Some(json!(answer.access_token))),
        ("refresh_token", refresh_token.map(|token| json!(token))),
        ("expires_at", answer.expires_at_text()),
        ("raw", Some(Value::Object(answer.raw_with_expiry()))),
        ("config_override", (!client.is_empty()).then_some(Value::Object(client))),
    ];
    parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The configuration of the connection: the provider's values, overridden by those of the session
/// and the browser unless those are empty.
pub fn connection_config(
    variables: &Variables<'_>,
    answer: &TokenAnswer,
    callback: &Callback<'_>,
    flow: &OauthFlow,
    overrides: &Overrides,
) -> Map<String, Value> {
    let template = variables.provider.template();
    let names = |field: &str| {
        let names = template.get(field).and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str)
    };
    let mut config = Map::new();
    for path in names("token_response_metadata") {
        if let Some(value @ (Value::String(_) | Value::Bool(_) | Value::Number(_))) =
            at(&answer.raw, path)
        {
            config.insert(path.to_owned(), value.clone());
        }
    }
    for name in names("redirect_uri_metadata") {
        config.extend(callback.text(name).map(|value| (name.to_owned(), json!(value))));
    }
    for (name, value) in flow.connection_config.iter().flatten() {
        if value != "" || !config.contains_key(name) {
            config.insert(name.clone(), value.clone());
        }
    }
    if overrides.refresh_token.is_some() {
        config.insert("overrideTokenRefresh".to_owned(), Value::Bool(true));
    }
    config
}
