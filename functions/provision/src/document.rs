//! The environment document: what an operator wants to be there.

use std::collections::HashSet;
use std::hash::Hash;

use serde_json::Value;
use session::connect_ui::ConnectUi;
use session::connection::ConnectionId;
use session::end_user::{EndUser, Organization};
use session::fields::{Fields, Issue, Issues, array, boolean, string, text};
use session::integration::IntegrationKey;
use session::secret_key::SecretKey;
use session::tags::Tags;

/// The most UTF-16 code units of a name.
const NAME_LENGTH_MAX: usize = 255;
/// The most UTF-16 code units of a colour.
const COLOUR_LENGTH_MAX: usize = 64;

/// A whole document.
#[derive(Debug)]
pub struct Document {
    pub environments: Vec<Desired<EnvironmentDocument>>,
}

/// Something that is to be there, or to be gone.
#[derive(Debug)]
pub struct Desired<T> {
    /// What names it.
    pub name: String,
    /// `None` where it is to be gone.
    pub content: Option<T>,
}

#[derive(Debug)]
pub struct EnvironmentDocument {
    pub secret_keys: Vec<Desired<SecretKeyDocument>>,
    pub integrations: Vec<(IntegrationKey, Option<IntegrationDocument>)>,
    pub connections: Vec<(IntegrationKey, ConnectionId, Option<ConnectionDocument>)>,
    pub connect_ui: Option<ConnectUi>,
    pub allow_docs_connect_override: Option<bool>,
}

#[derive(Debug)]
pub struct SecretKeyDocument {
    pub secret: Option<SecretKey>,
    pub scopes: Option<Vec<String>>,
}

#[derive(Debug)]
pub struct IntegrationDocument {
    pub provider: String,
    pub display_name: Option<String>,
}

#[derive(Debug)]
pub struct ConnectionDocument {
    pub end_user: Option<EndUser>,
    pub tags: Option<Tags>,
}

impl Document {
    /// Reads a document, or tells everything that is wrong with its form.
    pub fn read(value: Value) -> Result<Self, Vec<Issue>> {
        let mut issues = Issues::default();
        let document = Fields::of(Some(value), &mut issues).and_then(|mut fields| {
            let environments = fields.required("environments", |value, issues| {
                let environments = array(value, issues, environment)?;
                unique(&environments, issues, "name", |environment| Some(&environment.name));
                Some(environments)
            });
            fields.finish();
            Some(Self { environments: environments? })
        });
        issues.finish(document)
    }
}

fn environment(value: Option<Value>, issues: &mut Issues) -> Option<Desired<EnvironmentDocument>> {
    let mut fields = Fields::of(value, issues)?;
    let name = fields.required("name", text::<1, NAME_LENGTH_MAX>);
    if is_absent(&mut fields) {
        fields.finish();
        return Some(Desired { name: name?, content: None });
    }
    let secret_keys = fields.optional("secret_keys", |value, issues| {
        let keys = array(value, issues, secret_key)?;
        unique(&keys, issues, "name", |key| Some(&key.name));
        unique(&keys, issues, "secret", |key| {
            key.content.as_ref()?.secret.as_ref().map(SecretKey::expose)
        });
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
    fields.finish();
    let content = EnvironmentDocument {
        secret_keys: secret_keys.unwrap_or_default(),
        integrations: integrations.unwrap_or_default(),
        connections: connections.unwrap_or_default(),
        connect_ui,
        allow_docs_connect_override,
    };
    Some(Desired { name: name?, content: Some(content) })
}

fn secret_key(value: Option<Value>, issues: &mut Issues) -> Option<Desired<SecretKeyDocument>> {
    let mut fields = Fields::of(value, issues)?;
    let name = fields.required("name", text::<1, NAME_LENGTH_MAX>);
    let absent = is_absent(&mut fields);
    let secret = fields.optional("secret", |value, issues| {
        let key = SecretKey::parse(&string(value, issues)?);
        // The secret itself is not repeated.
        key.map_err(|_| issues.push("invalid_format", "Invalid UUID v4")).ok()
    });
    let scopes =
        fields.optional("scopes", |value, issues| array(value, issues, text::<1, NAME_LENGTH_MAX>));
    fields.finish();
    let content = (!absent).then_some(SecretKeyDocument { secret, scopes });
    Some(Desired { name: name?, content })
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
    let display_name = fields.optional("display_name", text::<1, NAME_LENGTH_MAX>);
    fields.finish();
    if absent {
        return Some((key?, None));
    }
    Some((key?, Some(IntegrationDocument { provider: provider?, display_name })))
}

fn connection(
    value: Option<Value>,
    issues: &mut Issues,
) -> Option<(IntegrationKey, ConnectionId, Option<ConnectionDocument>)> {
    let mut fields = Fields::of(value, issues)?;
    let id = fields.required("connection_id", ConnectionId::read);
    let integration = fields.required("integration_id", IntegrationKey::read);
    let absent = is_absent(&mut fields);
    let end_user = fields.optional("end_user", EndUser::read);
    let organization = fields.optional("organization", Organization::read);
    let tags = fields.optional("tags", Tags::read);
    fields.finish();
    let end_user = end_user.map(|end_user| EndUser { organization, ..end_user });
    let content = (!absent).then_some(ConnectionDocument { end_user, tags });
    Some((integration?, id?, content))
}

/// What is left out takes its default.
fn connect_ui(value: Option<Value>, issues: &mut Issues) -> Option<ConnectUi> {
    const THEMES: [&str; 3] = ["light", "dark", "system"];
    const COLOUR: &str = "#00B2E3";
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
    Some(ConnectUi::new(
        show_watermark.unwrap_or(true),
        light.as_deref().unwrap_or(COLOUR),
        dark.as_deref().unwrap_or(COLOUR),
        default_theme.as_deref().unwrap_or("system"),
    ))
}

fn colour(value: Option<Value>, issues: &mut Issues) -> Option<String> {
    let mut fields = Fields::of(value, issues)?;
    let primary = fields.required("primary", text::<1, COLOUR_LENGTH_MAX>);
    fields.finish();
    primary
}

fn is_absent(fields: &mut Fields<'_>) -> bool {
    const STATES: [&str; 2] = ["present", "absent"];
    let state = fields.optional("state", |value, issues| one_of(&STATES, value, issues));
    state.is_some_and(|state| state == "absent")
}

fn one_of(options: &[&str], value: Option<Value>, issues: &mut Issues) -> Option<String> {
    let value = string(value, issues)?;
    if options.contains(&value.as_str()) {
        return Some(value);
    }
    let options: Vec<_> = options.iter().map(|option| format!("\"{option}\"")).collect();
    issues.push("invalid_value", format!("Invalid option: expected one of {}", options.join("|")));
    None
}

/// Notes every item that has the same `field` as one before it.
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
