//! Why an OAuth flow fails, in the words of the contract (sections 6 and 7.2 of the flow).

use serde_json::{Map, Value, json};
use session::oauth_flow::FlowEnd;

/// The longest text that is kept and shown: a provider may answer a megabyte.
const TEXT_LENGTH_MAX: usize = 8_000;

/// A failure of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `error_type` of the websocket message.
    pub error_type: &'static str,
    /// `error_desc` of it; also what the page says, unless the provider said something itself.
    pub description: String,
    /// Type and description of the error in the webhook, if there is one.
    pub webhook: Option<(&'static str, String)>,
}

impl Failure {
    /// A failure that no webhook tells.
    pub fn new(error_type: &'static str, description: impl Into<String>) -> Self {
        Self { error_type, description: shortened(description.into()), webhook: None }
    }

    /// A failure that a webhook tells, in the same words.
    #[must_use]
    pub fn announced(self, webhook_type: &'static str) -> Self {
        let description = self.description.clone();
        self.announced_as(webhook_type, description)
    }

    /// A failure that a webhook tells in words of its own.
    #[must_use]
    pub fn announced_as(self, webhook_type: &'static str, description: String) -> Self {
        Self { webhook: Some((webhook_type, description)), ..self }
    }

    /// What the contract calls unknown: the error of a lower layer, as JSON.
    pub fn unknown(error: Option<&Value>) -> Self {
        let mut text = "Unknown error during the Oauth flow.".to_owned();
        if let Some(error) = error {
            text = format!("{text} {error:#}");
        }
        Self::new("unknown_err", text)
    }

    /// There is no such integration.
    pub fn unknown_integration(key: &str) -> Self {
        let text = format!("Could not find a Provider Config matching the \"{key}\" key.");
        Self::new("provider_config_err", text)
    }

    /// The integration's provider is not known.
    pub fn unknown_provider(name: &str) -> Self {
        Self::new("unknown_config_key", format!("No Provider Configuration with key \"{name}\"."))
    }

    /// The integration has no client.
    pub fn no_client(key: &str) -> Self {
        let text = format!("Provider Config \"{key}\" is missing client ID, secret and/or scopes.");
        Self::new("provider_config_err", text)
    }

    /// A template needs a value that is not there. `template` is the URL's, or the name of what
    /// else holds it.
    pub fn missing_value(template: &str, config: &Map<String, Value>) -> Self {
        let config = json!(config);
        let text = format!(
            "Missing Connection Config param(s) in Auth request to interpolate url {template}. \
             Provided Connection Config: {config}"
        );
        Self::new("url_param_err", text)
    }

    /// A value of a URL is empty.
    pub fn empty_value(template: &str) -> Self {
        let message =
            format!("Failed to interpolate URL template: {template}. Missing config parameters.");
        Self::unknown(Some(&json!({ "name": "Error", "message": message })))
    }

    /// As the flow's page shows it. `message` is what the provider said, if it said something.
    pub fn end(&self, message: Option<String>) -> FlowEnd {
        FlowEnd::Failed {
            error_type: self.error_type.to_owned(),
            message: message.map_or_else(|| self.description.clone(), shortened),
        }
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > TEXT_LENGTH_MAX {
        let end = (0..=TEXT_LENGTH_MAX).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}
