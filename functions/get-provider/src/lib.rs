//! `GET /providers` and `GET /providers/{provider}` (section 3 of the flow): how accounts of
//! providers are connected. A session token sees the fields that a form needs; a secret key sees
//! the whole template.
//!
//! - `template`: a provider's template in the form of the answer.

mod template;

use api::auth::Caller;
use api::{App, Error, Request, Response, Timestamp, auth, request, response};
use serde_json::Value;
use session::fields::{Issues, string};
use session::integration::IntegrationKey;
use session::provider::Provider;

use template::Template;

/// Answers 200 with one provider, or with all whose name contains the search text.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    request::body(&request)?;
    let caller = auth::caller(app, &request, now).await?;
    let is_whole = matches!(caller, Caller::Key(_));
    let base_url = request::base_url(&request);
    if let Some(name) = request::path_parameter(&request, "provider") {
        request::no_query(&request)?;
        let name = provider_name(name)?;
        let provider = match catalogue::template(&name) {
            Some(template) => Provider::from_template(&name, template),
            None => app.tables.provider(caller.environment_id(), &name).await?,
        };
        let unknown = || Error::refused(404, "not_found", format!("Unknown provider {name}"));
        let provider = provider.ok_or_else(unknown)?;
        return response::ok(&Template::new(&provider, &base_url, is_whole));
    }
    let search = request::read_query(&request, |fields| {
        Some(fields.optional("search", |value, issues| {
            let text = string(value, issues)?;
            IntegrationKey::read(Some(Value::String(text.clone())), issues).map(|_| text)
        }))
    })?;
    let search = search.unwrap_or_default().to_ascii_lowercase();
    let named = catalogue::names().filter(|name| name.contains(&search));
    let mut providers: Vec<_> = named
        .filter_map(|name| Provider::from_template(name, catalogue::template(name)?))
        .collect();
    let own = app.tables.providers(caller.environment_id()).await?;
    providers
        .extend(own.into_iter().filter(|own| own.name().to_ascii_lowercase().contains(&search)));
    providers.sort_by(|a, b| a.name().cmp(b.name()));
    let templates: Vec<_> =
        providers.iter().map(|provider| Template::new(provider, &base_url, is_whole)).collect();
    response::ok(&templates)
}

/// The name that the path holds: letters, digits, `_` and `-`.
fn provider_name(name: String) -> Result<String, Error> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let mut issues = Issues::default();
    if name.is_empty() || !name.bytes().all(allowed) {
        let message = "Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/";
        issues.push_at(&["provider"], "invalid_format", message);
    }
    issues.finish(Some(name)).map_err(Error::InvalidUriParams)
}
