//! The part of a document about webhooks.

use serde_json::Value;
use session::fields::{Fields, Issues, boolean, one_of, text};
use url::Url;

use crate::document_parts::{Patch, SECRET_LENGTH_MAX, Secret, http_url, patch};

/// The receivers, the events and the signing keys.
#[derive(Debug, Default)]
pub struct WebhooksDocument {
    pub primary_url: Patch<String>,
    pub secondary_url: Patch<String>,
    pub on_auth_creation: Patch<bool>,
    pub on_auth_refresh_error: Patch<bool>,
    pub on_connection_deletion: Patch<bool>,
    pub legacy_signature: Patch<bool>,
    /// The signing key; one is generated if it is left out and there is none.
    pub signing_key: Option<Secret>,
    /// The key that will replace it.
    pub next_signing_key: Option<Secret>,
    pub rotate_signing_key: Option<Rotation>,
}

/// A step of the rotation of the signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// A second key signs as well.
    Start,
    /// The second key replaces the first.
    Finish,
}

/// Reads the `webhooks` of an environment.
pub fn webhooks(value: Option<Value>, issues: &mut Issues) -> Option<WebhooksDocument> {
    let mut fields = Fields::of(value, issues)?;
    let primary_url = patch(&mut fields, "primary_url", receiver);
    let secondary_url = patch(&mut fields, "secondary_url", receiver);
    let on_auth_creation = patch(&mut fields, "on_auth_creation", boolean);
    let on_auth_refresh_error = patch(&mut fields, "on_auth_refresh_error", boolean);
    let on_connection_deletion = patch(&mut fields, "on_connection_deletion", boolean);
    let legacy_signature = patch(&mut fields, "legacy_signature", boolean);
    let signing_key = fields.optional("signing_key", text::<1, SECRET_LENGTH_MAX>);
    let next_signing_key = fields.optional("next_signing_key", text::<1, SECRET_LENGTH_MAX>);
    let rotate_signing_key = fields.optional("rotate_signing_key", |value, issues| {
        one_of(&["start", "finish"], value, issues)
    });
    fields.finish();
    Some(WebhooksDocument {
        primary_url,
        secondary_url,
        on_auth_creation,
        on_auth_refresh_error,
        on_connection_deletion,
        legacy_signature,
        signing_key: signing_key.map(Secret),
        next_signing_key: next_signing_key.map(Secret),
        rotate_signing_key: rotate_signing_key.map(|step| match step.as_str() {
            "start" => Rotation::Start,
            _ => Rotation::Finish,
        }),
    })
}

/// A receiver of webhooks. Its address is checked when it is called.
fn receiver(value: Option<Value>, issues: &mut Issues) -> Option<String> {
    let url = http_url(value, issues)?;
    let parsed = Url::parse(&url).ok();
    if parsed.is_some_and(|url| !url.username().is_empty() || url.password().is_some()) {
        issues.push("custom", "A webhook URL must not hold a user name or a password");
    }
    Some(url)
}
