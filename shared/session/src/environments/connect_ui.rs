//! How the Connect UI looks in an environment: `connectUISettings` of GET (contract section 3).

use serde_json::value::RawValue;

/// The settings as the JSON text that GET answers. It is made once, when an operator sets the
/// environment up, and copied into each session, so that GET reads one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectUi(String);

impl ConnectUi {
    const DEFAULT: &str = concat!(
        r##"{"showWatermark":true,"defaultTheme":"system","##,
        r##""theme":{"light":{"primary":"#00B2E3"},"dark":{"primary":"#00B2E3"}}}"##
    );

    /// The settings, written by whoever read them out of a valid document.
    pub fn new(show_watermark: bool, light: &str, dark: &str, default_theme: &str) -> Self {
        let settings = serde_json::json!({
            "showWatermark": show_watermark,
            "theme": { "light": { "primary": light }, "dark": { "primary": dark } },
            "defaultTheme": default_theme,
        });
        Self(settings.to_string())
    }

    /// The settings as they were stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON text, ready to stand in an answer.
    pub fn into_json(self) -> Result<Box<RawValue>, serde_json::Error> {
        RawValue::from_string(self.0)
    }
}

impl Default for ConnectUi {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}
