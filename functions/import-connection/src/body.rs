//! The body of an import: credentials by their type, and the other fields of the connection.

use api::Error;
use serde_json::{Map, Value};
use session::connection::ConnectionId;
use session::end_user::EndUser;
use session::fields::{Fields, Issues, array, string, text};
use session::integration::IntegrationKey;
use session::tags::Tags;
use session::{date, session_tags, webhook_url};

/// A whole body.
pub struct Import {
    /// The integration.
    pub key: IntegrationKey,
    /// The credentials in the form that GET answers, with the type first.
    pub credentials: Map<String, Value>,
    /// The id; generated if it is left out.
    pub connection_id: Option<ConnectionId>,
    /// The customer's metadata.
    pub metadata: Map<String, Value>,
    /// Values for the provider's template.
    pub connection_config: Map<String, Value>,
    /// The receiver of its webhooks.
    pub webhook_url_override: Option<String>,
    end_user: Option<EndUser>,
    tags: Option<Tags>,
}

impl Import {
    /// Reads the body.
    pub fn read(body: Option<Value>) -> Result<Self, Error> {
        let mut issues = Issues::default();
        let import = Fields::of(body, &mut issues).and_then(|mut fields| {
            let key = fields.required("provider_config_key", IntegrationKey::read);
            let credentials = fields.required("credentials", credentials);
            let connection_id = fields.optional("connection_id", ConnectionId::read);
            let metadata = fields.optional("metadata", object);
            let connection_config = fields.optional("connection_config", connection_config);
            let webhook_url_override = fields.optional("webhook_url_override", webhook_url::read);
            let end_user = fields.optional("end_user", EndUser::read);
            let tags = fields.optional("tags", Tags::read);
            fields.finish();
            Some(Self {
                key: key?,
                credentials: credentials?,
                connection_id,
                metadata: metadata.unwrap_or_default(),
                connection_config: connection_config.unwrap_or_default(),
                webhook_url_override: webhook_url_override.flatten(),
                end_user,
                tags,
            })
        });
        issues.finish(import).map_err(Error::InvalidBody)
    }

    /// The type of the credentials: the contract's name of the auth mode.
    pub fn auth_mode(&self) -> &str {
        self.credentials.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The end user, and the tags: those that describe the user, overridden by those that were
    /// sent.
    pub fn end_user_and_tags(&self) -> Result<(Option<EndUser>, Tags), Error> {
        let tags = session_tags::merge(self.end_user.as_ref(), None, self.tags.clone());
        Ok((self.end_user.clone(), tags.map_err(Error::InvalidBody)?))
    }
}

fn object(value: Option<Value>, issues: &mut Issues) -> Option<Map<String, Value>> {
    Fields::of(value, issues).map(Fields::rest)
}

/// Any object; if `oauth_scopes_override` is in it, it must be a list of texts.
fn connection_config(value: Option<Value>, issues: &mut Issues) -> Option<Map<String, Value>> {
    let config = object(value, issues)?;
    if let Some(scopes) = config.get("oauth_scopes_override").cloned() {
        issues.within("oauth_scopes_override", |issues| array(Some(scopes), issues, string));
    }
    Some(config)
}

/// Credentials of the auth modes that can be imported. The provider's answer is not known, so `raw`
/// is the object that was sent.
fn credentials(value: Option<Value>, issues: &mut Issues) -> Option<Map<String, Value>> {
    let sent = match &value {
        Some(Value::Object(sent)) => sent.clone(),
        _ => Map::new(),
    };
    let mut fields = Fields::of(value, issues)?;
    let kind = sent.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_answered = matches!(kind, "OAUTH1" | "OAUTH2" | "OAUTH2_CC");
    let values = match kind {
        "NONE" => Some(Map::new()),
        "API_KEY" => texts(&mut fields, &["apiKey"]),
        "BASIC" => user_and_password(&mut fields),
        "OAUTH1" => texts(&mut fields, &["oauth_token", "oauth_token_secret"]),
        "OAUTH2" => oauth2(&mut fields),
        "OAUTH2_CC" => client_credentials(&mut fields),
        "TBA" => token_based(&mut fields),
        "APP" | "CUSTOM" => texts(&mut fields, &["app_id", "installation_id"]),
        _ => {
            fields.issue(&["type"], "invalid_union", "Invalid input");
            return None;
        }
    };
    fields.required("type", string);
    fields.finish();
    let mut credentials = Map::new();
    credentials.insert("type".to_owned(), kind.into());
    credentials.extend(values?);
    if is_answered {
        let own_client = credentials.shift_remove("config_override");
        credentials.insert("raw".to_owned(), Value::Object(sent));
        credentials.extend(own_client.map(|own| ("config_override".to_owned(), own)));
    }
    Some(credentials)
}

fn texts(fields: &mut Fields<'_>, names: &[&str]) -> Option<Map<String, Value>> {
    let mut values = Map::new();
    for name in names {
        if let Some(value) = fields.required(name, text::<1, 1024>) {
            values.insert((*name).to_owned(), value.into());
        }
    }
    (values.len() == names.len()).then_some(values)
}

fn user_and_password(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let username = fields.required("username", text::<0, 1024>);
    let password = fields.required("password", text::<0, 1024>);
    let values = [("username", username?), ("password", password?)];
    Some(values.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect())
}

fn optional(values: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        values.insert(name.to_owned(), value.into());
    }
}

fn oauth2(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let access_token = fields.required("access_token", text::<1, { usize::MAX }>);
    let refresh_token = fields.optional("refresh_token", string);
    let expires_at = fields.optional("expires_at", date::read);
    let config = fields.optional("config_override", config_override);
    let mut values = Map::new();
    values.insert("access_token".to_owned(), access_token?.into());
    optional(&mut values, "refresh_token", refresh_token);
    optional(&mut values, "expires_at", expires_at.map(|moment| format!("{moment:.3}")));
    optional(&mut values, "config_override", config);
    Some(values)
}

fn client_credentials(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let token = fields.required("token", text::<1, { usize::MAX }>);
    let client_id = fields.required("client_id", string);
    let client_secret = fields.required("client_secret", string);
    let certificate = fields.optional("client_certificate", string);
    let private_key = fields.optional("client_private_key", string);
    let expires_at = fields.optional("expires_at", date::read);
    let mut values = Map::new();
    values.insert("token".to_owned(), token?.into());
    values.insert("client_id".to_owned(), client_id?.into());
    values.insert("client_secret".to_owned(), client_secret?.into());
    optional(&mut values, "client_certificate", certificate);
    optional(&mut values, "client_private_key", private_key);
    optional(&mut values, "expires_at", expires_at.map(|moment| format!("{moment:.3}")));
    Some(values)
}

fn token_based(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let token_id = fields.required("token_id", string);
    let token_secret = fields.required("token_secret", string);
    let config = fields.optional("config_override", config_override);
    let mut values = Map::new();
    values.insert("token_id".to_owned(), token_id?.into());
    values.insert("token_secret".to_owned(), token_secret?.into());
    values.insert("config_override".to_owned(), config.unwrap_or_default().into());
    Some(values)
}

fn config_override(value: Option<Value>, issues: &mut Issues) -> Option<Map<String, Value>> {
    let mut fields = Fields::of(value, issues)?;
    let client_id = fields.optional("client_id", string);
    let client_secret = fields.optional("client_secret", string);
    fields.finish();
    let mut values = Map::new();
    optional(&mut values, "client_id", client_id);
    optional(&mut values, "client_secret", client_secret);
    Some(values)
}
