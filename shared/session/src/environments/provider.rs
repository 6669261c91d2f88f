//! Providers: the APIs of integrations, and how accounts there are connected (section 3 of the
//! flow).
//!
//! A provider is a template: a JSON object in the form that the contract shows. Those of the
//! catalogue are compiled in; an environment can define its own. `docs/providers.md` describes
//! every field.

use serde_json::{Map, Value};

use crate::input::fields::Issues;
use crate::input::json;

/// How an account of a provider is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Nothing is asked.
    None,
    /// An API key.
    ApiKey,
    /// A user name and a password (RFC 7617).
    Basic,
    /// OAuth 2.0 with an authorization code (RFC 6749 section 4.1).
    OAuth2,
    /// OAuth 2.0 with client credentials (RFC 6749 section 4.4).
    OAuth2ClientCredentials,
    /// OAuth 1.0a (RFC 5849).
    OAuth1,
    /// A token that is signed locally (RFC 7519).
    Jwt,
    /// A token that the provider issues for credentials.
    TwoStep,
    /// Token-based authentication: OAuth 1.0a signatures with tokens that exist already.
    Tba,
    /// A signed header that is made locally.
    Signature,
    /// A session of Bill.com.
    Bill,
    /// A role of an AWS account. The contract has an endpoint for it; no provider here uses it.
    AwsSigv4,
    /// A mode of the contract that is not built here.
    NotBuilt(&'static str),
}

impl AuthMode {
    const BUILT: [(&str, Self); 12] = [
        ("NONE", Self::None),
        ("API_KEY", Self::ApiKey),
        ("BASIC", Self::Basic),
        ("OAUTH2", Self::OAuth2),
        ("OAUTH2_CC", Self::OAuth2ClientCredentials),
        ("OAUTH1", Self::OAuth1),
        ("JWT", Self::Jwt),
        ("TWO_STEP", Self::TwoStep),
        ("TBA", Self::Tba),
        ("SIGNATURE", Self::Signature),
        ("BILL", Self::Bill),
        ("AWS_SIGV4", Self::AwsSigv4),
    ];
    const NOT_BUILT: [&str; 6] =
        ["APP", "APP_STORE", "CUSTOM", "INSTALL_PLUGIN", "MCP_OAUTH2", "MCP_OAUTH2_GENERIC"];

    /// The mode with a name of the contract, such as `API_KEY`.
    pub fn parse(name: &str) -> Option<Self> {
        let built = Self::BUILT.into_iter().find(|(known, _)| *known == name);
        built.map(|(_, mode)| mode).or_else(|| {
            Self::NOT_BUILT.into_iter().find(|known| *known == name).map(Self::NotBuilt)
        })
    }

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotBuilt(name) => name,
            mode => Self::BUILT.iter().find(|(_, known)| *known == mode).map_or("", |(n, _)| n),
        }
    }
}

/// A request that shows whether credentials are valid, made before they are saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Paths below the provider's base URL; one that answers 2xx is enough.
    pub endpoints: Vec<&'a str>,
    /// Headers in addition to those of the provider's API.
    pub headers: Option<&'a Map<String, Value>>,
}

/// A provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    name: String,
    auth_mode: AuthMode,
    template: Map<String, Value>,
}

impl Provider {
    /// A provider from a template that was checked before: from the catalogue, or a stored one.
    pub fn from_template(name: &str, template: &str) -> Option<Self> {
        match json::parse(template) {
            Ok(Value::Object(template)) => Self::of(name, template),
            _ => None,
        }
    }

    /// A provider from a template that an operator wrote.
    pub fn read(name: &str, template: Map<String, Value>, issues: &mut Issues) -> Option<Self> {
        let provider = Self::of(name, template);
        if provider.is_none() {
            issues.within("auth_mode", |issues| {
                issues.push("invalid_value", "Invalid option: expected an auth mode");
            });
        }
        provider
    }

    fn of(name: &str, template: Map<String, Value>) -> Option<Self> {
        let auth_mode = AuthMode::parse(template.get("auth_mode")?.as_str()?)?;
        Some(Self { name: name.to_owned(), auth_mode, template })
    }

    /// Its name in the catalogue or in the environment.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How an account is connected.
    pub fn auth_mode(&self) -> AuthMode {
        self.auth_mode
    }

    /// The template as it was written.
    pub fn template(&self) -> &Map<String, Value> {
        &self.template
    }

    /// The name that people see.
    pub fn display_name(&self) -> &str {
        self.text("display_name").unwrap_or(&self.name)
    }

    /// The URL of its logo at this API.
    pub fn logo_url(&self, base_url: &str) -> String {
        format!("{base_url}/images/template-logos/{}.svg", self.name)
    }

    /// A field of the template that is a string.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.template.get(field)?.as_str()
    }

    /// A field of the template that is an object.
    pub fn object(&self, field: &str) -> Option<&Map<String, Value>> {
        self.template.get(field)?.as_object()
    }

    /// Whether the client authenticates at the token endpoint with an `Authorization: Basic`
    /// header (RFC 6749 section 2.3.1).
    pub fn has_basic_client_authentication(&self) -> bool {
        self.text("token_request_auth_method") == Some("basic")
    }

    /// The base URL of the provider's API; it may contain variables.
    pub fn base_url(&self) -> Option<&str> {
        self.object("proxy")?.get("base_url")?.as_str()
    }

    /// The headers of the provider's API; values may contain variables.
    pub fn headers(&self) -> Option<&Map<String, Value>> {
        self.object("proxy")?.get("headers")?.as_object()
    }

    /// The request that verifies credentials, if the provider has one.
    pub fn verification(&self) -> Option<Verification<'_>> {
        let verification = self.object("proxy")?.get("verification")?.as_object()?;
        let endpoints = verification.get("endpoints")?.as_array()?;
        Some(Verification {
            method: verification.get("method").and_then(Value::as_str).unwrap_or("GET"),
            endpoints: endpoints.iter().filter_map(Value::as_str).collect(),
            headers: verification.get("headers").and_then(Value::as_object),
        })
    }
}
