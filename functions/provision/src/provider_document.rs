//! Providers that an environment defines: templates like those of the catalogue
//! (`docs/providers.md`).

use serde_json::{Map, Value};
use session::fields::{Fields, Issues, array, boolean, one_of, string, text};
use session::provider::Provider;

use crate::document_parts::{NAME_LENGTH_MAX, is_absent};

/// The most bytes of a template as JSON text; those of the catalogue have a few thousand.
const TEMPLATE_LENGTH_MAX: usize = 65_536;

/// Fields that are URLs; they may hold variables.
const URLS: [&str; 4] = ["authorization_url", "token_url", "refresh_url", "revocation_url"];
/// Fields that are objects whose values are strings.
const PARAMETERS: [&str; 3] = ["authorization_params", "refresh_params", "token_headers"];
/// Fields that describe a form: an object for each field.
const FORMS: [&str; 2] = ["credentials", "connection_config"];

/// Reads a provider: its name, and its template unless it is to be removed.
pub fn provider(
    value: Option<Value>,
    issues: &mut Issues,
) -> Option<(String, Option<Map<String, Value>>)> {
    let mut fields = Fields::of(value, issues)?;
    let name = fields.required("name", name);
    if is_absent(&mut fields) {
        fields.finish();
        return Some((name?, None));
    }
    let mut template = fields.rest();
    // `$schema` is for editors and is not stored.
    template.shift_remove("$schema");
    if Value::Object(template.clone()).to_string().len() > TEMPLATE_LENGTH_MAX {
        let message = format!("Too big: expected at most {TEMPLATE_LENGTH_MAX} bytes of JSON");
        issues.push("too_big", message);
    }
    judge(&template, issues);
    Provider::read(name.as_deref().unwrap_or_default(), template.clone(), issues);
    Some((name?, Some(template)))
}

/// A name: letters, digits, `_` and `-`. A name of the catalogue is refused, since it would be
/// ambiguous.
fn name(value: Option<Value>, issues: &mut Issues) -> Option<String> {
    let name = text::<1, NAME_LENGTH_MAX>(value, issues)?;
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        let message = "Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/";
        issues.push("invalid_format", message);
    }
    if catalogue::template(&name).is_some() {
        issues.push("custom", "The catalogue has a provider of this name: choose another");
    }
    Some(name)
}

/// Checks the fields that this service uses; others are stored and shown unchecked.
fn judge(template: &Map<String, Value>, issues: &mut Issues) {
    let given = |name: &str| template.get(name).cloned().map(Some);
    issues.within("display_name", |issues| {
        text::<1, NAME_LENGTH_MAX>(template.get("display_name").cloned(), issues)
    });
    for name in URLS {
        if let Some(value) = given(name) {
            issues.within(name, |issues| url(value, issues));
        }
    }
    for name in PARAMETERS {
        if let Some(value) = given(name) {
            issues.within(name, |issues| strings(value, issues));
        }
    }
    if let Some(value) = given("token_params") {
        issues.within("token_params", |issues| body(value, issues));
    }
    for name in FORMS {
        if let Some(value) = given(name) {
            issues.within(name, |issues| form(value, issues));
        }
    }
    if let Some(value) = given("disable_pkce") {
        issues.within("disable_pkce", |issues| boolean(value, issues));
    }
    if let Some(value) = given("issuer") {
        issues.within("issuer", |issues| url(value, issues));
    }
    if let Some(value) = given("proxy") {
        issues.within("proxy", |issues| proxy(value, issues));
    }
}

/// An absolute http(s) URL, or one that starts with a variable.
fn url(value: Option<Value>, issues: &mut Issues) -> Option<()> {
    let url = string(value, issues)?;
    if !["https://", "http://", "${"].iter().any(|start| url.starts_with(start)) {
        issues.push("invalid_format", "Invalid URL: must start with https://");
    }
    Some(())
}

fn strings(value: Option<Value>, issues: &mut Issues) -> Option<()> {
    for (name, value) in Fields::of(value, issues)?.rest() {
        issues.within(&name, |issues| string(Some(value), issues));
    }
    Some(())
}

/// The fields of a request's body: strings, numbers, booleans, or objects of these.
fn body(value: Option<Value>, issues: &mut Issues) -> Option<()> {
    for (name, value) in Fields::of(value, issues)?.rest() {
        issues.within(&name, |issues| match value {
            Value::Number(_) | Value::Bool(_) => Some(()),
            Value::Object(_) => body(Some(value), issues),
            other => string(Some(other), issues).map(drop),
        });
    }
    Some(())
}

/// The fields of a form. A pattern must be a valid regular expression.
fn form(value: Option<Value>, issues: &mut Issues) -> Option<()> {
    for (name, field) in Fields::of(value, issues)?.rest() {
        issues.within(&name, |issues| {
            let field = Fields::of(Some(field), issues)?.rest();
            let pattern = field.get("pattern").cloned()?;
            issues.within("pattern", |issues| {
                let pattern = string(Some(pattern), issues)?;
                if regex_lite::Regex::new(&pattern).is_err() {
                    issues.push("invalid_format", "Invalid regular expression");
                }
                Some(())
            })
        });
    }
    Some(())
}

fn proxy(value: Option<Value>, issues: &mut Issues) -> Option<()> {
    let mut fields = Fields::of(value, issues)?;
    fields.optional("base_url", url);
    fields.optional("headers", strings);
    fields.optional("verification", |value, issues| {
        const METHODS: [&str; 4] = ["GET", "POST", "PUT", "HEAD"];
        let mut fields = Fields::of(value, issues)?;
        fields.optional("method", |value, issues| one_of(&METHODS, value, issues));
        fields.required("endpoints", |value, issues| array(value, issues, string));
        fields.optional("headers", strings);
        Some(())
    });
    Some(())
}
