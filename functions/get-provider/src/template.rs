//! A provider's template in the form of the answer.

use serde::Serialize;
use serde_json::{Map, Value};
use session::provider::Provider;

/// The fields that a form needs. URLs, parameters and headers of requests are for servers.
const FORM_FIELDS: [&str; 13] = [
    "display_name",
    "categories",
    "auth_mode",
    "docs",
    "docs_connect",
    "setup_guide_url",
    "credentials",
    "connection_config",
    "integration_config",
    "assertion_option",
    "installation",
    "require_client_certificate",
    "token_request_auth_method",
];

/// The template, then the provider's name and its logo.
#[derive(Serialize)]
pub struct Template<'a> {
    #[serde(flatten)]
    fields: Map<String, Value>,
    name: &'a str,
    logo_url: String,
}

impl<'a> Template<'a> {
    /// The template of a provider: the whole one, or only the fields that a form needs.
    pub fn new(provider: &'a Provider, base_url: &str, is_whole: bool) -> Self {
        let mut fields = provider.template().clone();
        fields.shift_remove("name");
        fields.retain(|name, _| is_whole || FORM_FIELDS.contains(&name.as_str()));
        let name = provider.name();
        Self { fields, name, logo_url: provider.logo_url(base_url) }
    }
}
