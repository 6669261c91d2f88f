//! The providers that integrations can name: GitHub, Slack, Stripe and the rest.
//!
//! Each is a file in `providers/`, in the format of `provider.schema.json`; `docs/providers.md`
//! explains the fields. All are compiled in, as JSON text; nothing is parsed here.

/// Names and templates, sorted by name.
static PROVIDERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/providers.rs"));

/// The template of the provider `name`: a JSON object in one line, keys in the order of the file.
///
/// ```json
/// {"display_name":"GitHub","categories":["dev-tools"],"auth_mode":"OAUTH2",...}
/// ```
///
/// `name` is compared exactly and may be any text that a client sends.
pub fn template(name: &str) -> Option<&'static str> {
    let index = PROVIDERS.binary_search_by_key(&name, |(known, _)| known).ok()?;
    PROVIDERS.get(index).map(|(_, template)| *template)
}

/// The names of all providers, in ascending order of their bytes.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|(name, _)| *name)
}
