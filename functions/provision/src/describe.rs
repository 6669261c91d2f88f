//! Describes environments with their keys, integrations and settings, without secrets.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use session::connect_session::timestamp;
use session::fields::{Fields, Issues, text};
use session::webhooks::WebhookSettings;
use tables::record::{Key, Record};
use tables::{StoreError, Tables};
use uuid::Uuid;

use crate::report::Failure;

/// The name that asks for every environment.
const ALL: &str = "*";

/// The most bytes of a description. An invocation answers at most 6 MB (AWS, "Lambda quotas").
const LENGTH_MAX: usize = 6_000_000;

/// The answer.
#[derive(Debug, Default, Serialize)]
pub struct Description {
    environments: Vec<Environment>,
}

#[derive(Debug, Serialize)]
struct Environment {
    name: String,
    id: Uuid,
    /// Changes with each write.
    revision: Uuid,
    created_at: String,
    updated_at: String,
    connect_ui: Box<RawValue>,
    allow_docs_connect_override: bool,
    webhooks: Option<WebhookSettings>,
    callback_url: Option<String>,
    branch_key_version: Option<u32>,
    secret_keys: Vec<SecretKey>,
    /// The names of the providers that it defines.
    providers: Vec<String>,
    integrations: Vec<Integration>,
}

#[derive(Debug, Serialize)]
struct SecretKey {
    name: String,
    id: Uuid,
    scopes: Vec<String>,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct Integration {
    unique_key: String,
    provider: String,
    display_name: Option<String>,
    credentials: Option<Credentials>,
}

/// The operator's client at the provider, without its secret.
#[derive(Debug, Serialize)]
struct Credentials {
    client_id: Option<String>,
    has_client_secret: bool,
    scopes: Option<String>,
}

/// Answers `{"describe": "<name>"}` for one environment and `{"describe": "*"}` for all.
pub async fn describe(tables: &Tables, request: Value) -> Result<Description, Failure> {
    let mut issues = Issues::default();
    let name = Fields::of(Some(request), &mut issues).and_then(|mut fields| {
        let name = fields.required("describe", text::<1, 255>);
        fields.finish();
        name
    });
    let name = issues.finish(name).map_err(Failure::Refused)?;
    let names = if name == ALL { tables.environment_names().await? } else { vec![name.clone()] };
    let found = tables.registry_items(names.iter().map(|name| Key::name(name)).collect()).await?;

    let mut description = Description::default();
    let mut length = 0;
    for name in names {
        let Some(Record::Name { environment_id, revision }) =
            found.get(&Key::name(&name)).map(|stored| &stored.record)
        else {
            continue;
        };
        let described = environment(tables, name, *environment_id, *revision, &mut length).await?;
        description.environments.extend(described);
    }
    if description.environments.is_empty() && name != ALL {
        let mut issues = Issues::default();
        issues.push_at(&["describe"], "custom", "Environment does not exist");
        return issues.finish(None).map_err(Failure::Refused);
    }
    Ok(description)
}

/// `length` counts the bytes of the answer so far.
async fn environment(
    tables: &Tables,
    name: String,
    id: Uuid,
    revision: Uuid,
    length: &mut usize,
) -> Result<Option<Environment>, Failure> {
    let mut settings = None;
    let mut read = *length;
    let mut integrations = Vec::new();
    let mut providers = Vec::new();
    let mut keys = Vec::new();
    tables
        .environment_items(id, |key, stored| {
            match stored.record {
                Record::Environment(found) => {
                    settings = Some((found, stored.created_at_ms, stored.updated_at_ms));
                }
                Record::Integration { provider, display_name, client } => {
                    let unique_key = key.label().to_owned();
                    let credentials = client.map(|client| Credentials {
                        client_id: client.client_id,
                        has_client_secret: client.client_secret.is_some(),
                        scopes: client.scopes,
                    });
                    let integration =
                        Integration { unique_key, provider, display_name, credentials };
                    read += json_length(&integration);
                    integrations.push(integration);
                }
                Record::Credential(hash) => keys.push(Key::secret_key(&hash)),
                Record::Provider(_) => providers.push(key.label().to_owned()),
                _ => {}
            }
            read <= LENGTH_MAX
        })
        .await?;
    let Some((settings, created_at_ms, updated_at_ms)) = settings else {
        // The environment was removed in the meantime.
        return Ok(None);
    };

    let mut secret_keys = Vec::new();
    for (_, stored) in tables.registry_items(keys).await? {
        if let Record::SecretKey(key) = stored.record {
            let (name, id, scopes) = (key.name, key.id, key.scopes);
            let created_at = moment(stored.created_at_ms);
            secret_keys.push(SecretKey { name, id, scopes, created_at });
        }
    }
    secret_keys.sort_by(|one, other| one.name.cmp(&other.name));
    let connect_ui = settings.connect_ui.into_json();
    let environment = Environment {
        name,
        id,
        revision,
        created_at: moment(created_at_ms),
        updated_at: moment(updated_at_ms),
        connect_ui: connect_ui.map_err(|error| StoreError::Unexpected(error.to_string()))?,
        allow_docs_connect_override: settings.allow_docs_connect_override,
        webhooks: settings.webhooks,
        callback_url: settings.callback_url,
        branch_key_version: settings.branch_key.map(|(version, _)| version),
        secret_keys,
        providers,
        integrations,
    };
    *length += json_length(&environment);
    if *length > LENGTH_MAX { Err(Failure::TooLong) } else { Ok(Some(environment)) }
}

fn moment(ms: i64) -> String {
    format!("{:.3}", timestamp(ms))
}

/// The length of a value as JSON, with a comma.
fn json_length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |json| json.len() + 1)
}
