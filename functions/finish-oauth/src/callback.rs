//! The parameters with which a provider sends the browser back (RFC 6749 sections 4.1.2 and
//! 4.1.2.1).

use serde_json::{Map, Value};

/// The parameters that may have the state: some providers return another parameter than `state`.
const STATE: [&str; 3] = ["state", "payload", "customField"];

/// The parameters with which providers describe an error, in the order in which they are shown.
const ERROR: [&str; 6] =
    ["error", "error_description", "error_reason", "error_uri", "status_code", "error_message"];

/// The parameters of a callback.
#[derive(Debug)]
pub struct Callback<'a>(pub &'a Map<String, Value>);

impl<'a> Callback<'a> {
    /// The state. If it was sent twice, it is a list.
    pub fn state(&self) -> Option<&'a Value> {
        STATE.iter().filter_map(|name| self.0.get(*name)).find(|value| **value != "")
    }

    /// A parameter that was sent once and is not empty.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Whether the provider reports an error. It counts even if there is a code, too.
    pub fn is_error(&self) -> bool {
        self.0.get("error").is_some_and(|error| *error != "")
    }

    /// Whether the browser comes from the installation of a GitHub App, which is not an OAuth flow.
    pub fn is_installation(&self) -> bool {
        self.0.contains_key("installation_id") && self.0.contains_key("setup_action")
    }

    /// The provider's description of an error, as JSON text.
    pub fn error_json(&self) -> Option<String> {
        let said: Map<_, _> = self.error_parts().map(|(n, v)| (n.to_owned(), v.into())).collect();
        (!said.is_empty()).then(|| Value::Object(said).to_string())
    }

    /// The contract's message for a callback without a code.
    pub fn no_code(&self) -> String {
        let mut text = "Did not get authorization code in the callback.".to_owned();
        let said: Vec<_> = self.error_parts().map(|(n, v)| format!("{n}: {v}")).collect();
        if !said.is_empty() {
            text = format!("{text} Provider error: {}", said.join("; "));
        }
        text
    }

    fn error_parts(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        ERROR.iter().filter_map(|name| Some((*name, self.text(name)?)))
    }
}
