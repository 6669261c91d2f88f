//! An integration in the form of the answer, with its keys in the contract's order.

use secrets::clients::Client;
use serde::Serialize;
use session::integration::Integration;
use session::provider::{AuthMode, Provider};

/// What a caller asked for besides the integration itself.
#[derive(Default)]
pub struct Include {
    /// `webhook_url`, the receiver of the provider's webhooks. This service receives none, so it is
    /// `null`.
    pub webhook: bool,
    /// The client; the inner `None` is shown as `null`, for auth modes without a client.
    #[expect(clippy::option_option, reason = "not asked for, none and given are three things")]
    pub credentials: Option<Option<ClientView>>,
}

/// An integration.
#[derive(Serialize)]
pub struct Item<'a> {
    unique_key: &'a str,
    provider: &'a str,
    display_name: String,
    logo: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(clippy::option_option, reason = "not asked for, none and given are three things")]
    credentials: Option<Option<ClientView>>,
    forward_webhooks: bool,
    created_at: String,
    updated_at: String,
}

impl<'a> Item<'a> {
    /// An integration. `provider_name` is shown if it has no name of its own.
    pub fn new(
        integration: &'a Integration,
        provider_name: &str,
        base_url: &str,
        include: Include,
    ) -> Self {
        let own = integration.display_name.as_deref();
        Self {
            unique_key: integration.key.as_str(),
            provider: &integration.provider,
            display_name: own.unwrap_or(provider_name).to_owned(),
            logo: format!("{base_url}/images/template-logos/{}.svg", integration.provider),
            webhook_url: include.webhook.then_some(()),
            credentials: include.credentials,
            forward_webhooks: true,
            created_at: format!("{:.3}", integration.created_at),
            updated_at: format!("{:.3}", integration.updated_at),
        }
    }
}

/// The display name of a provider of the catalogue, or its name if the catalogue no longer has it.
pub fn display_name(provider: &str) -> String {
    let template = catalogue::template(provider);
    let known = template.and_then(|template| Provider::from_template(provider, template));
    known.map_or_else(|| provider.to_owned(), |known| known.display_name().to_owned())
}

/// An operator's client, for keys that may read credentials.
#[derive(Serialize)]
pub struct ClientView {
    #[serde(rename = "type")]
    kind: &'static str,
    client_id: Option<String>,
    client_secret: Option<String>,
    scopes: Option<String>,
    webhook_secret: Option<String>,
}

impl ClientView {
    /// The client of an integration; missing values are `null`.
    pub fn new(mode: AuthMode, integration: &Integration, client: Option<Client>) -> Self {
        let stored = integration.client.as_ref();
        Self {
            kind: mode.as_str(),
            client_id: stored.and_then(|client| client.client_id.clone()),
            client_secret: client.map(|client| client.secret),
            scopes: stored.and_then(|c| c.scopes.clone()).filter(|scopes| !scopes.is_empty()),
            webhook_secret: None,
        }
    }
}
