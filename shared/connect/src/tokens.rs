//! Gets tokens with credentials, without the end user: client credentials (RFC 6749 section 4.4),
//! two-step authentication, and sessions of Bill.com.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use outbound::{Outbound, Request};
use serde_json::{Map, Value, json};
use session::Error;
use session::json as plain_json;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::headers::{basic, header_name, header_value};
use crate::moments::{known_lifetime, moment, object, point_in_time, seconds};
use crate::token_answer;
use crate::token_failure::TokenFailure;
use flow::variables::Variables;

/// The lifetime of a token if the answer does not say it (section 5 of the flow).
const LIFETIME_ASSUMED: SignedDuration = SignedDuration::from_mins(55);
/// How long a session of Bill.com lives without requests.
const BILL_LIFETIME: SignedDuration = SignedDuration::from_mins(35);

/// The values that a client sends to get a token for itself.
#[derive(Debug)]
pub struct ClientCredentials<'a> {
    /// `client_id`.
    pub client_id: &'a str,
    /// `client_secret`.
    pub client_secret: &'a str,
    /// `scope`: names separated by spaces.
    pub scope: Option<&'a str>,
    /// Parameters in addition to those of the provider's file.
    pub parameters: &'a [(String, String)],
}

/// Gets a token with client credentials, and returns the credentials to store.
pub async fn client_credentials(
    outbound: &Outbound,
    variables: Variables<'_>,
    client: ClientCredentials<'_>,
    now: Timestamp,
) -> Result<Map<String, Value>, TokenFailure> {
    let provider = variables.provider;
    let url = variables.fill_url(provider.text("token_url").unwrap_or_default())?;
    let mut headers = HeaderMap::new();
    if provider.has_basic_client_authentication() {
        headers.insert(AUTHORIZATION, basic(client.client_id, client.client_secret)?);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let form = client_credentials_form(variables, &client)?;
    let body = post(outbound, url, headers, form).await?;
    let (raw, token) = parsed(&body)
        .or_else(|| token_answer::form(&body))
        .and_then(|raw| Some((raw.clone(), text(raw.get("access_token"))?)))
        .ok_or(TokenFailure::NoToken)?;
    let lifetime = raw.get("expires_in").and_then(seconds).or_else(|| known_lifetime(provider));
    let lifetime = lifetime.unwrap_or(LIFETIME_ASSUMED);
    Ok(object(json!({
        "type": "OAUTH2_CC",
        "token": token,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "expires_at": moment(now, lifetime),
        "raw": raw,
    })))
}

/// The form of the token request: the client, unless it is in a header, then the provider's
/// parameters, the scope, and the session's parameters.
fn client_credentials_form(
    variables: Variables<'_>,
    client: &ClientCredentials<'_>,
) -> Result<String, Error> {
    let mut form = Serializer::new(String::new());
    if !variables.provider.has_basic_client_authentication() {
        form.append_pair("client_id", client.client_id);
        form.append_pair("client_secret", client.client_secret);
    }
    for (name, value) in variables.provider.object("token_params").into_iter().flatten() {
        if let Some(value) = variables.fill_parameter(value)? {
            form.append_pair(name, &value);
        }
    }
    if let Some(scope) = client.scope {
        form.append_pair("scope", scope);
    }
    form.extend_pairs(client.parameters);
    Ok(form.finish())
}

/// Gets the token of a two-step provider, and returns the credentials to store: the token first,
/// then everything that was sent.
pub async fn two_step(
    outbound: &Outbound,
    variables: Variables<'_>,
    now: Timestamp,
) -> Result<Map<String, Value>, TokenFailure> {
    let provider = variables.provider;
    let url = variables.fill_url(provider.text("token_url").unwrap_or_default())?;
    let mut headers = HeaderMap::new();
    for (name, value) in provider.object("token_headers").into_iter().flatten() {
        let value = variables.fill(value.as_str().unwrap_or_default())?;
        headers.insert(header_name(name)?, header_value(&value)?);
    }
    let mut parameters = Map::new();
    for (name, value) in provider.object("token_params").into_iter().flatten() {
        if let Some(value) = variables.fill_json(value)? {
            parameters.insert(name.clone(), value);
        }
    }
    let (media_type, body) = if provider.text("body_format") == Some("form") {
        let mut form = Serializer::new(String::new());
        for (name, value) in &parameters {
            match value {
                Value::String(text) => form.append_pair(name, text),
                other => form.append_pair(name, &other.to_string()),
            };
        }
        ("application/x-www-form-urlencoded", form.finish())
    } else {
        ("application/json", Value::Object(parameters).to_string())
    };
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
    let body = post(outbound, url, headers, body).await?;
    let raw = parsed(&body).ok_or(TokenFailure::NoToken)?;
    let paths = provider.object("token_response");
    let part = |name: &str| token_answer::at(&raw, paths?.get(name)?.as_str()?);
    let token = text(part("token")).ok_or(TokenFailure::NoToken)?;
    let strategy = paths.and_then(|paths| paths.get("token_expiration_strategy")?.as_str());
    let told = part("token_expiration");
    let expires_at = match strategy {
        Some("expireAt") => {
            told.and_then(point_in_time).map(|end| moment(end, SignedDuration::ZERO))
        }
        _ => told.and_then(seconds).map(|lifetime| moment(now, lifetime)),
    };
    let known = || known_lifetime(provider).map(|lifetime| moment(now, lifetime));
    let expires_at = expires_at.or_else(known);
    let mut credentials = object(json!({ "type": "TWO_STEP", "token": token }));
    credentials.extend(expires_at.map(|moment| ("expires_at".to_owned(), moment)));
    credentials.insert("raw".to_owned(), Value::Object(raw.clone()));
    let sent = variables.credentials.iter().filter(|(name, _)| *name != "assertionOption");
    credentials.extend(sent.map(|(name, value)| (name.clone(), value.clone())));
    Ok(credentials)
}

/// Signs in at Bill.com, and returns the credentials to store.
pub async fn bill(
    outbound: &Outbound,
    variables: Variables<'_>,
    now: Timestamp,
) -> Result<Map<String, Value>, TokenFailure> {
    let sent = variables.credentials;
    let url = variables.fill_url(variables.provider.text("token_url").unwrap_or_default())?;
    let headers =
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let body = json!({
        "username": sent.get("username"),
        "password": sent.get("password"),
        "organizationId": sent.get("organization_id"),
        "devKey": sent.get("dev_key"),
    });
    let body = post(outbound, url, headers, body.to_string()).await?;
    let raw = parsed(&body).ok_or(TokenFailure::NoToken)?;
    let session_id = text(raw.get("sessionId")).ok_or(TokenFailure::NoToken)?;
    let mut credentials = object(json!({ "type": "BILL" }));
    credentials.extend(sent.iter().map(|(name, value)| (name.clone(), value.clone())));
    credentials.extend(object(json!({
        "raw": raw,
        "session_id": session_id,
        "user_id": raw.get("userId"),
        "expires_at": moment(now, BILL_LIFETIME),
    })));
    Ok(credentials)
}

/// Posts a body, and returns the body of the answer if that is a 2xx.
async fn post(
    outbound: &Outbound,
    url: Url,
    mut headers: HeaderMap,
    body: String,
) -> Result<String, TokenFailure> {
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    let request = Request { headers, body: body.into(), ..Request::new(Method::POST, url) };
    let answer = outbound.send(request).await.map_err(|_| TokenFailure::NoAnswer)?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status.is_success() {
        Ok(body)
    } else {
        Err(TokenFailure::Refused(answer.status, body))
    }
}

/// A text that is not empty.
fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn parsed(body: &str) -> Option<Map<String, Value>> {
    match plain_json::parse(body) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}
