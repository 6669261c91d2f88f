//! The look of the Connect UI in an environment: `connectUISettings` of GET (contract section 3).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The settings as the JSON text that GET answers. It is made once, when an operator provisions the
/// environment, and copied into each session, so that GET reads only one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectUi(String);

impl ConnectUi {
    const DEFAULT: &str = concat!(
        r##"{"showWatermark":true,"defaultTheme":"system","##,
        r##""theme":{"light":{"primary":"#00B2E3"},"dark":{"primary":"#00B2E3"}}}"##
    );

    /// The settings after a change. If no field differs, the text stays the same.
    pub fn changed(&self, change: ConnectUiChange) -> Result<Self, serde_json::Error> {
        let old: Settings = serde_json::from_str(&self.0)?;
        let colour = |new: Option<String>, old: &Colour| match new {
            Some(primary) => Colour { primary },
            None => old.clone(),
        };
        let new = Settings {
            show_watermark: change.show_watermark.unwrap_or(old.show_watermark),
            theme: Theme {
                light: colour(change.light, &old.theme.light),
                dark: colour(change.dark, &old.theme.dark),
            },
            default_theme: change.default_theme.unwrap_or_else(|| old.default_theme.clone()),
        };
        if new == old { Ok(self.clone()) } else { serde_json::to_string(&new).map(Self) }
    }

    /// The settings from their stored text.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON text as a part of an answer.
    pub fn into_json(self) -> Result<Box<RawValue>, serde_json::Error> {
        RawValue::from_string(self.0)
    }
}

impl Default for ConnectUi {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

/// An operator's changes; `None` keeps a value.
#[derive(Debug, Clone, Default)]
pub struct ConnectUiChange {
    /// `showWatermark`.
    pub show_watermark: Option<bool>,
    /// `theme.light.primary`.
    pub light: Option<String>,
    /// `theme.dark.primary`.
    pub dark: Option<String>,
    /// `defaultTheme`.
    pub default_theme: Option<String>,
}

/// The content of the JSON text, with its keys in this order.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    show_watermark: bool,
    theme: Theme,
    default_theme: String,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Theme {
    light: Colour,
    dark: Colour,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Colour {
    primary: String,
}
