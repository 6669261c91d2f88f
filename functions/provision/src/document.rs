//! The environment document: the state that an operator wants.

use std::collections::HashSet;
use std::hash::Hash;

use serde_json::{Map, Value};
use session::connect_ui::ConnectUiChange;
use session::connection::ConnectionId;
use session::end_user::{EndUser, Organization};
use session::fields::{Fields, Issue, Issues, array, boolean, one_of, string, text};
use session::integration::IntegrationKey;
use session::secret_key::SecretKey;
use session::tags::Tags;

use crate::document_parts::{
    NAME_LENGTH_MAX, Patch, SECRET_LENGTH_MAX, Secret, http_url, is_absent, patch,
};
use crate::provider_document::provider;
use crate::webhooks_document::{WebhooksDocument, webhooks};

/// The most scopes of a key.
const SCOPES_MAX: usize = 100;
/// The most UTF-16 code units of a colour.
const COLOUR_LENGTH_MAX: usize = 64;

/// The secret in `events/provision.json`, which is public.
const PUBLISHED_SECRET: &str = "3f6d0a5e-8b1c-4c57-9d0e-6a2f4b7c1e90";

/// A whole document. Things that are to be removed have `None` as their content.
#[derive(Debug)]
pub struct Document {
    pub environments: Vec<(String, Option<EnvironmentDocument>)>,
}

#[derive(Debug)]
pub struct EnvironmentDocument {
    pub secret_keys: Vec<(String, SecretKeyDocument)>,
    pub integrations: Vec<(IntegrationKey, Option<IntegrationDocument>)>,
    pub connections: Vec<(IntegrationKey, ConnectionId, Option<ConnectionDocument>)>,
    pub connect_ui: ConnectUiChange,
    pub allow_docs_connect_override: Option<bool>,
    pub providers: Vec<(String, Option<Map<String, Value>>)>,
    pub webhooks: Option<WebhooksDocument>,
    pub callback_url: Patch<String>,
    pub rotate_branch_key: bool,
}

/// The operator's client at a provider. A missing field keeps its value.
#[derive(Debug)]
pub struct ClientDocument {
    pub client_id: Option<String>,
    pub client_secret: Option<Secret>,
    pub scopes: Option<String>,
}

#[derive(Debug)]
pub enum SecretKeyDocument {
    Present { secret: Option<SecretKey>, scopes: Option<Vec<String>> },
    Absent { ends_sessions: bool },
}

impl SecretKeyDocument {
    /// The secret, if the document has one.
    pub fn secret(&self) -> Option<&SecretKey> {
        match self {
            Self::Present { secret, .. } => secret.as_ref(),
            Self::Absent { .. } => None,
        }
    }
}

#[derive(Debug)]
pub struct IntegrationDocument {
    pub provider: String,
    pub display_name: Patch<String>,
    pub client: Option<ClientDocument>,
}

#[derive(Debug)]
pub struct ConnectionDocument {
    pub end_user: Patch<EndUser>,
    pub organization: Patch<Organization>,
    pub tags: Option<Tags>,
}

impl Document {
    /// Reads a document, or returns all issues of its form. On AWS the published secret is refused.
    pub fn read(value: Value, is_aws: bool) -> Result<Self, Vec<Issue>> {
        let mut issues = Issues::default();
        let document = Fields::of(Some(value), &mut issues).and_then(|mut fields| {
            let environments = fields.required("environments", |value, issues| {
                let environments =
                    array(value, issues, |value, issues| environment(value, issues, is_aws))?;
                unique(&environments, issues, "name", |(name, _)| Some(name));
                Some(environments)
            });
            fields.finish();
            Some(Self { environments: environments? })
        });
        issues.finish(document)
    }
}

fn environment(
    value: Option<Value>,
    issues: &mut Issues,
    is_aws: bool,
) -> Option<(String, Option<EnvironmentDocument>)> {
    let mut fields = Fields::of(value, issues)?;
    let name = fields.required("name", text::<1, NAME_LENGTH_MAX>);
    if is_absent(&mut fields) {
        fields.finish();
        return Some((name?, None));
    }
    let secret_keys = fields.optional("secret_keys", |value, issues| {
        let keys = array(value, issues, |value, issues| secret_key(value, issues, is_aws))?;
        unique(&keys, issues, "name", |(name, _)| Some(name));
        unique(&keys, issues, "secret", |(_, key)| key.secret().map(SecretKey::expose));
        Some(keys)
    });
    let integrations = fields.optional("integrations", |value, issues| {
        let integrations = array(value, issues, integration)?;
        unique(&integrations, issues, "unique_key", |(key, _)| Some(key));
        Some(integrations)
    });
    let connections = fields.optional("connections", |value, issues| {
        let connections = array(value, issues, connection)?;
        unique(&connections, issues, "connection_id", |(key, id, _)| Some((key, id)));
        Some(connections)
    });
    let connect_ui = fields.optional("connect_ui", connect_ui);
    let allow_docs_connect_override = fields.optional("allow_docs_connect_override", boolean);
    let providers = fields.optional("providers", |value, issues| {
        let providers = array(value, issues, provider)?;
        unique(&providers, issues, "name", |(name, _)| Some(name));
        Some(providers)
    });
    let webhooks = fields.optional("webhooks", webhooks);
    let callback_url = patch(&mut fields, "callback_url", http_url);
    let rotate_branch_key = fields.optional("rotate_branch_key", boolean);
    fields.finish();
    let content = EnvironmentDocument {
        secret_keys: secret_keys.unwrap_or_default(),
        integrations: integrations.unwrap_or_default(),
        connections: connections.unwrap_or_default(),
        connect_ui: connect_ui.unwrap_or_default(),
        allow_docs_connect_override,
        providers: providers.unwrap_or_default(),
        webhooks,
        callback_url,
        rotate_branch_key: rotate_branch_key.unwrap_or_default(),
    };
    Some((name?, Some(content)))
}

fn secret_key(
    value: Option<Value>,
    issues: &mut Issues,
    is_aws: bool,
) -> Option<(String, SecretKeyDocument)> {
    const SESSIONS: [&str; 2] = ["keep", "end"];
    let mut fields = Fields::of(value, issues)?;
    let name = fields.required("name", text::<1, NAME_LENGTH_MAX>);
    let absent = is_absent(&mut fields);
    let secret = fields.optional("secret", |value, issues| {
        let key = SecretKey::parse(&string(value, issues)?);
        // The message does not quote the secret.
        let key = key.map_err(|_| issues.push("invalid_format", "Invalid UUID v4")).ok()?;
        if is_aws && key.expose().eq_ignore_ascii_case(PUBLISHED_SECRET) {
            let message = "This secret is published with the source code and refused on AWS: leave \
                           it out, and one is generated";
            issues.push("custom", message);
        }
        Some(key)
    });
    let scopes = fields.optional("scopes", |value, issues| {
        let scopes = array(value, issues, text::<1, NAME_LENGTH_MAX>)?;
        if scopes.len() > SCOPES_MAX {
            let message = format!("Too big: expected array to have <={SCOPES_MAX} items");
            issues.push("too_big", message);
        }
        Some(scopes)
    });
    // Sessions can be ended only together with their key.
    let sessions = if absent {
        fields.optional("sessions", |value, issues| one_of(&SESSIONS, value, issues))
    } else {
        None
    };
    fields.finish();
    let key = if absent {
        SecretKeyDocument::Absent { ends_sessions: sessions.is_some_and(|choice| choice == "end") }
    } else {
        SecretKeyDocument::Present { secret, scopes }
    };
    Some((name?, key))
}

fn integration(
    value: Option<Value>,
    issues: &mut Issues,
) -> Option<(IntegrationKey, Option<IntegrationDocument>)> {
    let mut fields = Fields::of(value, issues)?;
    let key = fields.required("unique_key", IntegrationKey::read);
    let absent = is_absent(&mut fields);
    let provider = if absent {
        fields.optional("provider", text::<1, NAME_LENGTH_MAX>)
    } else {
        fields.required("provider", text::<1, NAME_LENGTH_MAX>)
    };
    let display_name = patch(&mut fields, "display_name", text::<1, NAME_LENGTH_MAX>);
    let client = fields.optional("credentials", client);
    fields.finish();
    if absent {
        return Some((key?, None));
    }
    Some((key?, Some(IntegrationDocument { provider: provider?, display_name, client })))
}

/// Reads a client. Its type must be an auth mode with a client, but not necessarily the provider's.
fn client(value: Option<Value>, issues: &mut Issues) -> Option<ClientDocument> {
    const KINDS: [&str; 4] = ["OAUTH1", "OAUTH2", "OAUTH2_CC", "TBA"];
    let mut fields = Fields::of(value, issues)?;
    fields.required("type", |value, issues| one_of(&KINDS, value, issues));
    let client_id = fields.optional("client_id", text::<1, SECRET_LENGTH_MAX>);
    let client_secret = fields.optional("client_secret", text::<1, SECRET_LENGTH_MAX>);
    let scopes = fields.optional("scopes", text::<0, SECRET_LENGTH_MAX>);
    fields.finish();
    Some(ClientDocument { client_id, client_secret: client_secret.map(Secret), scopes })
}

fn connection(
    value: Option<Value>,
    issues: &mut Issues,
) -> Option<(IntegrationKey, ConnectionId, Option<ConnectionDocument>)> {
    let mut fields = Fields::of(value, issues)?;
    let id = fields.required("connection_id", ConnectionId::read);
    let integration = fields.required("integration_id", IntegrationKey::read);
    let absent = is_absent(&mut fields);
    let end_user = patch(&mut fields, "end_user", EndUser::read);
    let organization = patch(&mut fields, "organization", Organization::read);
    let tags = fields.optional("tags", Tags::read);
    fields.finish();
    let content = (!absent).then_some(ConnectionDocument { end_user, organization, tags });
    Some((integration?, id?, content))
}

fn connect_ui(value: Option<Value>, issues: &mut Issues) -> Option<ConnectUiChange> {
    const THEMES: [&str; 3] = ["light", "dark", "system"];
    let mut fields = Fields::of(value, issues)?;
    let show_watermark = fields.optional("showWatermark", boolean);
    let default_theme =
        fields.optional("defaultTheme", |value, issues| one_of(&THEMES, value, issues));
    let theme = fields.optional("theme", |value, issues| {
        let mut fields = Fields::of(value, issues)?;
        let light = fields.optional("light", colour);
        let dark = fields.optional("dark", colour);
        fields.finish();
        Some((light, dark))
    });
    fields.finish();
    let (light, dark) = theme.unwrap_or_default();
    Some(ConnectUiChange { show_watermark, light, dark, default_theme })
}

fn colour(value: Option<Value>, issues: &mut Issues) -> Option<String> {
    let mut fields = Fields::of(value, issues)?;
    let primary = fields.required("primary", text::<1, COLOUR_LENGTH_MAX>);
    fields.finish();
    primary
}

/// Notes an issue for every item that has the same `field` as an earlier one.
fn unique<'a, T, K: Hash + Eq>(
    items: &'a [T],
    issues: &mut Issues,
    field: &str,
    key: impl Fn(&'a T) -> Option<K>,
) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        if key(item).is_some_and(|key| !seen.insert(key)) {
            let path = [&index.to_string(), field];
            issues.push_at(&path, "custom", "Must be unique in its list");
        }
    }
}
