//! The values that the end user submits, by auth mode.

use api::Error;
use serde_json::{Map, Value, json};
use session::fields::{Fields, Issues, string, text};
use session::provider::AuthMode;

/// The most UTF-16 code units of an API key, a user name or a password.
const LENGTH_MAX: usize = 1024;

/// Reads the fields of a mode.
type Read = fn(&mut Fields<'_>) -> Option<Map<String, Value>>;

/// A body in the form that its route requires.
pub struct Submission {
    auth_mode: Option<AuthMode>,
    values: Map<String, Value>,
}

impl Submission {
    /// Reads the body of a route, such as `POST /api-auth/basic/{providerConfigKey}`.
    pub fn read(route: &str, body: Option<Value>) -> Result<Self, Error> {
        let mode = route.trim_end_matches("/{providerConfigKey}").rsplit('/').next();
        let (auth_mode, read): (_, Read) = match mode {
            Some("unauthenticated") => (Some(AuthMode::None), |_| Some(Map::new())),
            Some("api-key") => (Some(AuthMode::ApiKey), api_key),
            Some("basic") => (Some(AuthMode::Basic), user_and_password),
            Some("jwt") => return Self::any(AuthMode::Jwt, body),
            Some("two-step") => return Self::any(AuthMode::TwoStep, body),
            Some("tba") => (Some(AuthMode::Tba), token_based),
            Some("signature") => (Some(AuthMode::Signature), signature),
            Some("bill") => (Some(AuthMode::Bill), bill),
            Some("aws-sigv4") => (None, aws_role),
            _ => (None, |_| Some(Map::new())),
        };
        // These routes ask for no values, so the body may be missing.
        let is_optional = matches!(mode, Some("unauthenticated" | "oauth-outbound"));
        let body = body.or_else(|| is_optional.then(|| json!({})));
        let mut issues = Issues::default();
        let values = Fields::of(body, &mut issues).and_then(|mut fields| {
            let values = read(&mut fields);
            fields.finish();
            values
        });
        let values = issues.finish(values).map_err(Error::InvalidBody)?;
        Ok(Self { auth_mode, values })
    }

    /// Any object: the provider's template says which of its values are used.
    fn any(auth_mode: AuthMode, body: Option<Value>) -> Result<Self, Error> {
        let mut issues = Issues::default();
        let values = Fields::of(body, &mut issues).map(Fields::rest);
        let values = issues.finish(values).map_err(Error::InvalidBody)?;
        Ok(Self { auth_mode: Some(auth_mode), values })
    }

    /// The mode that the integration's provider must have; `None` for routes whose mode is not
    /// built.
    pub fn auth_mode(&self) -> Option<AuthMode> {
        self.auth_mode
    }

    /// The submitted values, by the names of the template's variables.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// The credentials to store: the type, then the submitted values.
    pub fn credentials(&self) -> Map<String, Value> {
        let mut credentials = Map::new();
        if let Some(mode) = self.auth_mode {
            credentials.insert("type".to_owned(), mode.as_str().into());
        }
        credentials.extend(self.values.clone());
        credentials
    }
}

fn values<const N: usize>(values: [(&str, Option<String>); N]) -> Option<Map<String, Value>> {
    let entry = |(name, value): (&str, Option<String>)| Some((name.to_owned(), value?.into()));
    values.into_iter().map(entry).collect()
}

fn api_key(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    values([("apiKey", fields.required("apiKey", text::<1, LENGTH_MAX>))])
}

fn user_and_password(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let username = fields.required("username", text::<0, LENGTH_MAX>);
    let password = fields.required("password", text::<0, LENGTH_MAX>);
    values([("username", username), ("password", password)])
}

/// A token, and perhaps a client that signs instead of the integration's.
fn token_based(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let token_id = fields.required("token_id", string);
    let token_secret = fields.required("token_secret", string);
    let client_id = fields.optional("oauth_client_id_override", string);
    let client_secret = fields.optional("oauth_client_secret_override", string);
    let mut values = values([("token_id", token_id), ("token_secret", token_secret)])?;
    let config = [("client_id", client_id), ("client_secret", client_secret)];
    let config: Map<_, _> =
        config.into_iter().filter_map(|(name, value)| Some((name.into(), value?.into()))).collect();
    values.insert("config_override".to_owned(), Value::Object(config));
    Some(values)
}

fn signature(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let username = fields.required("username", text::<1, { usize::MAX }>);
    let password = fields.required("password", text::<1, { usize::MAX }>);
    fields.required("type", text::<1, { usize::MAX }>)?;
    values([("username", username), ("password", password)])
}

fn bill(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let username = fields.required("username", string);
    let password = fields.required("password", string);
    let organization_id = fields.required("organization_id", string);
    let dev_key = fields.required("dev_key", string);
    values([
        ("username", username),
        ("password", password),
        ("organization_id", organization_id),
        ("dev_key", dev_key),
    ])
}

fn aws_role(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let role = fields.required("role_arn", string);
    fields.optional("region", string);
    values([("role_arn", role)])
}
