//! `GET /integrations` and `GET /integrations/{uniqueKey}` (section 2 of the flow): the
//! integrations that can be connected. Both credentials can list them, only secret keys can read a
//! single one.
//!
//! - `item`: an integration in the form of the answer.

mod item;

use api::auth::Caller;
use api::{App, Error, Request, Response, Timestamp, auth, request, response};
use flow::providers;
use secrets::Secrets;
use serde_json::Value;
use session::fields::Issues;
use session::integration::{Integration, IntegrationKey};
use session::provider::AuthMode;
use vault::Vault;

use item::{ClientView, Include, Item};

/// A key needs one of these to list integrations.
const LIST: &[&str] =
    &["environment:integrations:list", "environment:integrations:list_credentials"];
/// A key needs one of these to read one.
const READ: &[&str] = &["environment:integrations:read", READ_CREDENTIALS];
/// A key without this one is shown no credentials.
const READ_CREDENTIALS: &str = "environment:integrations:read_credentials";

/// Answers 200 with the integrations of the caller's environment, or with the one that the path
/// names.
pub async fn handle(
    app: &App,
    vault: &Vault,
    request: Request,
    now: Timestamp,
) -> Result<Response, Error> {
    request::body(&request)?;
    match request::path_parameter(&request, "uniqueKey") {
        Some(key) => one(app, vault, &request, key, now).await,
        None => list(app, &request, now).await,
    }
}

/// Lists integrations by provider, then creation. A session with `allowed_integrations` gets only
/// those.
async fn list(app: &App, request: &Request, now: Timestamp) -> Result<Response, Error> {
    let caller = auth::caller(app, request, now).await?;
    if let Caller::Key(grant) = &caller
        && !LIST.iter().any(|scope| grant.key.has_scope(scope))
    {
        return Err(Error::InsufficientScope(LIST));
    }
    request::no_query(request)?;
    let environment = caller.environment_id();
    let mut integrations = match &caller {
        Caller::Session(session) if !session.allowed_integrations.is_empty() => {
            app.tables.integrations_named(environment, &session.allowed_integrations).await?
        }
        _ => app.tables.all_integrations(environment).await?,
    };
    integrations.sort_by(|a, b| {
        (&a.provider, a.created_at, &a.key).cmp(&(&b.provider, b.created_at, &b.key))
    });
    let is_own = |integration: &Integration| catalogue::template(&integration.provider).is_none();
    let own = if integrations.iter().any(is_own) {
        app.tables.providers(environment).await?
    } else {
        Vec::new()
    };
    let base_url = request::base_url(request);
    let items: Vec<_> = integrations
        .iter()
        .map(|integration| {
            let own = own.iter().find(|own| own.name() == integration.provider);
            let display_name = match own {
                Some(own) => own.display_name().to_owned(),
                None => item::display_name(&integration.provider),
            };
            Item::new(integration, &display_name, &base_url, Include::default())
        })
        .collect();
    response::ok(&items)
}

async fn one(
    app: &App,
    vault: &Vault,
    request: &Request,
    key: String,
    now: Timestamp,
) -> Result<Response, Error> {
    let grant = auth::grant(app, request, now, READ).await?;
    let (webhook, credentials) = request::read_query(request, |fields| {
        Some(fields.optional("include", include).unwrap_or_default())
    })?;
    let mut issues = Issues::default();
    let key = Some(Value::String(key));
    let key = issues.within("uniqueKey", |issues| IntegrationKey::read(key, issues));
    let key = issues.finish(key).map_err(Error::InvalidUriParams)?;
    let integration = app.tables.integration(grant.environment.id, &key).await?;
    let integration = integration.ok_or_else(|| {
        let message = format!("Integration \"{}\" does not exist", key.as_str());
        Error::refused(404, "not_found", message)
    })?;
    let provider =
        providers::find(&app.tables, grant.environment.id, &integration.provider).await?;
    let provider = provider.ok_or_else(|| {
        Error::refused(404, "not_found", format!("Unknown provider {}", integration.provider))
    })?;
    let has_client =
        matches!(provider.auth_mode(), AuthMode::OAuth1 | AuthMode::OAuth2 | AuthMode::Tba);
    let credentials = match credentials && grant.key.has_scope(READ_CREDENTIALS) {
        false => None,
        true if !has_client => Some(None),
        true => {
            let (tables, environment) = (&app.tables, &grant.environment);
            let client = Secrets { tables, vault, environment, now }.client(&integration).await?;
            Some(Some(ClientView::new(provider.auth_mode(), &integration, client)))
        }
    };
    let include = Include { webhook, credentials };
    let base_url = request::base_url(request);
    response::ok(&Item::new(&integration, provider.display_name(), &base_url, include))
}

/// `include`: `webhook`, `credentials`, or a list of these.
fn include(value: Option<Value>, issues: &mut Issues) -> Option<(bool, bool)> {
    let names = match value {
        Some(Value::Array(names)) => names,
        Some(name) => vec![name],
        None => Vec::new(),
    };
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if names.iter().all(|name| name == "webhook" || name == "credentials") && !names.is_empty() {
        return Some((has("webhook"), has("credentials")));
    }
    issues.push("invalid_union", "Invalid input");
    None
}
