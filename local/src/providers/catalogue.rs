//! The demo providers, as an environment document defines them (`docs/providers.md`).

use serde_json::{Value, json};

/// The id and secret of the OAuth client, the same for every integration.
pub const CLIENT: (&str, &str) = ("demo-client", "demo-secret");

/// The one key that the API key provider accepts.
pub const API_KEY: &str = "demo-key";

/// The name of the API key provider.
pub const API_KEY_PROVIDER: &str = "demo-api-key";

/// How an OAuth provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It works: an access token lives an hour, and the refresh token does not change.
    Works,
    /// The token endpoint refuses every code.
    Refuses,
    /// The token endpoint takes [`SLOW`](super::token::SLOW) to answer.
    Slow,
    /// Tokens live a minute, and a refresh token works once: used twice, it ends the grant (RFC
    /// 9700 section 4.14.2).
    Rotates,
    /// The token endpoint answers an error with status 200.
    Status200,
    /// The consent page separates the popup from its opener (`Cross-Origin-Opener-Policy`).
    Coop,
    /// The browser is sent back by a form (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl Outcome {
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Works, "demo-oauth", "Demo OAuth"),
        (Self::Refuses, "demo-oauth-refuses", "Demo OAuth (refuses)"),
        (Self::Slow, "demo-oauth-slow", "Demo OAuth (slow)"),
        (Self::Rotates, "demo-oauth-rotates", "Demo OAuth (rotates refresh tokens)"),
        (Self::Status200, "demo-oauth-status-200", "Demo OAuth (error with status 200)"),
        (Self::Coop, "demo-oauth-coop", "Demo OAuth (cuts the popup off)"),
        (Self::FormPost, "demo-oauth-form-post", "Demo OAuth (returns by form)"),
    ];

    /// The outcome and the title of a provider.
    pub fn of(provider: &str) -> Option<(Self, &'static str)> {
        let found = Self::ALL.iter().find(|(_, name, _)| *name == provider);
        found.map(|(outcome, _, title)| (*outcome, *title))
    }

    /// What happens after *Allow*, as the consent page says it.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Works => "If you allow it, a connection is made.",
            Self::Refuses => "Even if you allow it, it then refuses to hand out a token.",
            Self::Slow => "If you allow it, a connection is made after some seconds.",
            Self::Rotates => {
                "If you allow it, a connection is made. Its token lives for a minute, and each \
                 refresh token works once."
            }
            Self::Status200 => {
                "Even if you allow it, it answers with an error, as if all was well."
            }
            Self::Coop => {
                "If you allow it, a connection is made, although this page has cut this window off \
                 from the one that opened it."
            }
            Self::FormPost => "If you allow it, your browser goes back by sending a form.",
        }
    }
}

/// The providers, at the URL where they listen.
pub fn providers(url: &str) -> Vec<Value> {
    let api_key = json!({
        "name": API_KEY_PROVIDER,
        "display_name": "Demo API key",
        "categories": ["dev-tools"],
        "auth_mode": "API_KEY",
        "docs": url,
        "credentials": { "apiKey": {
            "type": "string",
            "title": "API key",
            "description": format!("The key {API_KEY} is accepted, any other is refused"),
            "example": API_KEY,
            "secret": true,
        } },
        "proxy": {
            "base_url": format!("{url}/{API_KEY_PROVIDER}"),
            "headers": { "authorization": "Bearer ${apiKey}" },
            "verification": { "method": "GET", "endpoints": ["/me"] },
        },
    });
    let oauth = Outcome::ALL.iter().map(|(outcome, name, title)| {
        let mut provider = json!({
            "name": name,
            "display_name": title,
            "categories": ["dev-tools"],
            "auth_mode": "OAUTH2",
            "authorization_url": format!("{url}/{name}/authorize"),
            "token_url": format!("{url}/{name}/token"),
            "revocation_url": format!("{url}/{name}/revoke"),
            "scope_separator": " ",
            "docs": url,
            "proxy": { "base_url": format!("{url}/{name}") },
        });
        if *outcome == Outcome::FormPost {
            provider["authorization_params"] = json!({ "response_mode": "form_post" });
        }
        provider
    });
    oauth.chain([api_key]).collect()
}

/// An integration for each provider.
pub fn integrations() -> Vec<Value> {
    let (client_id, client_secret) = CLIENT;
    let oauth = Outcome::ALL.iter().map(|(_, name, title)| {
        json!({
            "unique_key": name,
            "provider": name,
            "display_name": title,
            "credentials": {
                "type": "OAUTH2",
                "client_id": client_id,
                "client_secret": client_secret,
                "scopes": "profile,contacts:read",
            },
        })
    });
    let api_key = json!({
        "unique_key": API_KEY_PROVIDER,
        "provider": API_KEY_PROVIDER,
        "display_name": "Demo API key",
    });
    oauth.chain([api_key]).collect()
}
