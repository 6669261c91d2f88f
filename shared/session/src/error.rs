//! Every failure of the contract. One variant is one documented answer.

use std::fmt::Display;

use serde_json::{Value, json};

use crate::input::fields::Issue;

/// The most bytes of a request body, once base64 is undone. An item of DynamoDB holds 400 KB.
pub const BODY_LENGTH_MAX: usize = 262_144;

/// Why a request is not answered as asked.
#[derive(Debug)]
pub enum Error {
    /// 400: the body is not JSON, or neither an object nor an array.
    InvalidJson(String),
    /// 400: the query string is not empty.
    InvalidQueryParams(Vec<Issue>),
    /// 400: the body breaks the schema, or names what does not exist.
    InvalidBody(Vec<Issue>),
    /// 400: reconnect names a connection that the environment does not have.
    UnknownConnection,
    /// 401: no credential was sent.
    MissingAuthHeader,
    /// 401: the credential is not a UUID v4.
    InvalidSecretKeyFormat,
    /// 401: no such secret key.
    UnknownAccount,
    /// 401: the credential is not a session token.
    InvalidSessionTokenFormat,
    /// 401: the session never was, has expired or was deleted; one answer for all three.
    UnknownSessionToken,
    /// 403: the key lacks the scope.
    InsufficientScope,
    /// 403: the environment does not let sessions replace documentation links.
    DocsOverrideForbidden,
    /// 413: the body is longer than [`BODY_LENGTH_MAX`].
    PayloadTooLarge,
    /// 415: a `Content-Type` other than JSON.
    InvalidContentType,
    /// 415: a compressed body.
    UnsupportedContentEncoding,
    /// 415: JSON in another charset than UTF-8.
    UnsupportedCharset,
    /// 500: something unforeseen. The cause is logged and never leaves.
    Internal(String),
    /// 503: DynamoDB throttles or does not answer. The cause is logged and never leaves.
    Unavailable(String),
}

/// The scope that a key needs to make sessions.
pub const REQUIRED_SCOPE: &str = "environment:connect_sessions:write";

impl Error {
    /// A failure that nobody foresaw.
    pub fn internal(cause: impl Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// Whether a credential is missing or refused, which is a 401.
    pub fn is_authentication(&self) -> bool {
        matches!(
            self,
            Self::MissingAuthHeader
                | Self::InvalidSecretKeyFormat
                | Self::UnknownAccount
                | Self::InvalidSessionTokenFormat
                | Self::UnknownSessionToken
        )
    }

    /// The machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "invalid_json",
            Self::InvalidQueryParams(_) => "invalid_query_params",
            Self::InvalidBody(_) | Self::UnknownConnection => "invalid_body",
            Self::MissingAuthHeader => "missing_auth_header",
            Self::InvalidSecretKeyFormat => "invalid_secret_key_format",
            Self::UnknownAccount => "unknown_account",
            Self::InvalidSessionTokenFormat => "invalid_connect_session_token_format",
            Self::UnknownSessionToken => "unknown_connect_session_token",
            Self::InsufficientScope | Self::DocsOverrideForbidden => "forbidden",
            Self::PayloadTooLarge => "payload_too_large",
            Self::InvalidContentType => "invalid_content_type",
            Self::UnsupportedContentEncoding => "unsupported_content_encoding",
            Self::UnsupportedCharset => "unsupported_charset",
            Self::Internal(_) => "server_error",
            Self::Unavailable(_) => "service_unavailable",
        }
    }

    /// The sentence for people. The wording of the contract's own errors is part of the contract.
    fn message(&self) -> String {
        match self {
            Self::InvalidJson(problem) => problem.clone(),
            Self::InvalidQueryParams(_) | Self::InvalidBody(_) => String::new(),
            Self::UnknownConnection => "ConnectionID or IntegrationId does not exists".to_owned(),
            Self::MissingAuthHeader => {
                "Authentication failed. The request is missing the Authorization header.".to_owned()
            }
            Self::InvalidSecretKeyFormat => {
                "Authentication failed. The provided secret key is not a UUID v4.".to_owned()
            }
            Self::UnknownAccount => {
                "Authentication failed. The provided authorization header does \
                                     not match any account."
                    .to_owned()
            }
            Self::InvalidSessionTokenFormat => {
                "Authentication failed. The provided connect session token is not following \
                 correct format: nango_connect_session_RANDOM)"
                    .to_owned()
            }
            Self::UnknownSessionToken => "Authentication failed. The provided connect session \
                                          token does not match any account."
                .to_owned(),
            Self::InsufficientScope => format!("Insufficient scope. Required: {REQUIRED_SCOPE}"),
            Self::DocsOverrideForbidden => {
                "You are not allowed to override the docs connect url".to_owned()
            }
            Self::PayloadTooLarge => {
                format!("Request body must be at most {BODY_LENGTH_MAX} bytes")
            }
            Self::InvalidContentType => "Content-Type header must be application/json".to_owned(),
            Self::UnsupportedContentEncoding => "Content-Encoding must be identity".to_owned(),
            Self::UnsupportedCharset => "charset must be utf-8".to_owned(),
            Self::Internal(_) => "An unexpected error occurred".to_owned(),
            Self::Unavailable(_) => "The service is temporarily unavailable, try again".to_owned(),
        }
    }

    /// The JSON body, with its keys in the order of the contract.
    pub fn body(&self) -> Value {
        let code = self.code();
        match self {
            Self::InvalidQueryParams(issues) | Self::InvalidBody(issues) => {
                json!({ "error": { "code": code, "errors": issues } })
            }
            _ if self.is_authentication() => {
                json!({ "error": { "message": self.message(), "code": code, "payload": {} } })
            }
            _ => json!({ "error": { "code": code, "message": self.message() } }),
        }
    }
}
