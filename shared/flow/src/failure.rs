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
    /// `error_desc` of that message; also the text of the page, unless the provider sent one.
    pub description: String,
    /// Type and description of the error in the webhook, if one is sent.
    pub webhook: Option<(&'static str, String)>,
}

impl Failure {
    /// A failure without a webhook.
    pub fn new(error_type: &'static str, description: impl Into<String>) -> Self {
        Self { error_type, description: shortened(description.into()), webhook: None }
    }

    /// The failure with a webhook that has the same description.
    #[must_use]
    pub fn announced(self, webhook_type: &'static str) -> Self {
        let description = self.description.clone();
        self.announced_as(webhook_type, description)
    }

    /// The failure with a webhook that has its own description.
    #[must_use]
    pub fn announced_as(self, webhook_type: &'static str, description: String) -> Self {
        Self { webhook: Some((webhook_type, description)), ..self }
    }

    /// The contract's "unknown" failure, with the error of a lower layer as JSON.
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

    /// The integration's provider does not exist.
    pub fn unknown_provider(name: &str) -> Self {
        Self::new("unknown_config_key", format!("No Provider Configuration with key \"{name}\"."))
    }

    /// The integration has no client.
    pub fn no_client(key: &str) -> Self {
        let text = format!("Provider Config \"{key}\" is missing client ID, secret and/or scopes.");
        Self::new("provider_config_err", text)
    }

    /// A template needs a value that was not given. `template` is the URL template, or the name of
    /// the field that contains the template.
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

    /// The end of the flow, as its page shows it. `message` is the provider's, if it sent one.
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
