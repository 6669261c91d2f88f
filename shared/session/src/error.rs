//! The errors of the contract. Each variant is one documented answer.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::{Value, json};

use crate::input::fields::Issue;

/// The most bytes of a request body, after base64 decoding. A DynamoDB item holds 400 KB.
pub const BODY_LENGTH_MAX: usize = 262_144;

/// Why a request fails.
#[derive(Debug)]
pub enum Error {
    /// 400: the body is not JSON, or neither an object nor an array.
    InvalidJson(String),
    /// 400: the query string breaks the schema.
    InvalidQueryParams(Vec<Issue>),
    /// 400: a parameter of the path breaks the schema.
    InvalidUriParams(Vec<Issue>),
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
    /// 401: the session never existed, has expired or was deleted; the answer is the same for all.
    UnknownSessionToken,
    /// 401: a connect endpoint was called without a session token in its query.
    MissingPublicKey,
    /// 403: the key has none of these scopes, any of which would be enough.
    InsufficientScope(&'static [&'static str]),
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
    /// An error of one endpoint, or of a few, which define it.
    Refused(Box<Refusal>),
    /// 500: something unforeseen. The cause is logged and not answered.
    Internal(String),
    /// 503: DynamoDB or KMS throttles or does not answer. The cause is logged and not answered.
    Unavailable(String),
}

/// An error of one endpoint, with its own code.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The machine-readable code.
    pub code: &'static str,
    /// The message for people; if it is empty, the answer has only the code.
    pub message: Cow<'static, str>,
    /// Details. Older endpoints always have them, and their answer begins with the message.
    pub payload: Option<Value>,
    /// Whether the endpoint is one of the older ones.
    pub is_older: bool,
}

impl Refusal {
    fn about(
        status: u16,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        payload: Value,
    ) -> Self {
        Self { status, code, message: message.into(), payload: Some(payload), is_older: false }
    }
}

/// The scope that a key needs to make sessions.
pub const WRITE_SESSIONS: &str = "environment:connect_sessions:write";

impl Error {
    /// An error of one endpoint.
    pub fn refused(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self::Refused(Box::new(Refusal { status, code, message, payload: None, is_older: false }))
    }

    /// An error of one of the older endpoints.
    pub fn refused_with_payload(
        status: u16,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        payload: Value,
    ) -> Self {
        let about = Refusal::about(status, code, message, payload);
        Self::Refused(Box::new(Refusal { is_older: true, ..about }))
    }

    /// An error of one endpoint, with details.
    pub fn refused_about(
        status: u16,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        payload: Value,
    ) -> Self {
        Self::Refused(Box::new(Refusal::about(status, code, message, payload)))
    }

    /// An unforeseen failure.
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
                | Self::MissingPublicKey
        )
    }

    /// Whether it is a failure of the service itself: a 500 or a 503.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Internal(_) | Self::Unavailable(_) => true,
            Self::Refused(refusal) => refusal.status >= 500,
            _ => false,
        }
    }

    /// The machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidJson(_) => "invalid_json",
            Self::InvalidQueryParams(_) => "invalid_query_params",
            Self::InvalidUriParams(_) => "invalid_uri_params",
            Self::InvalidBody(_) | Self::UnknownConnection => "invalid_body",
            Self::MissingAuthHeader => "missing_auth_header",
            Self::InvalidSecretKeyFormat => "invalid_secret_key_format",
            Self::UnknownAccount => "unknown_account",
            Self::InvalidSessionTokenFormat => "invalid_connect_session_token_format",
            Self::UnknownSessionToken => "unknown_connect_session_token",
            Self::MissingPublicKey => "missing_public_key",
            Self::Refused(refusal) => refusal.code,
            Self::InsufficientScope(_) | Self::DocsOverrideForbidden => "forbidden",
            Self::PayloadTooLarge => "payload_too_large",
            Self::InvalidContentType => "invalid_content_type",
            Self::UnsupportedContentEncoding => "unsupported_content_encoding",
            Self::UnsupportedCharset => "unsupported_charset",
            Self::Internal(_) => "server_error",
            Self::Unavailable(_) => "service_unavailable",
        }
    }

    /// The message for people. The messages of the contract's own errors are part of the contract.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::InvalidJson(problem) => problem.into(),
            Self::InvalidQueryParams(_) | Self::InvalidUriParams(_) | Self::InvalidBody(_) => {
                "".into()
            }
            Self::UnknownConnection => "ConnectionID or IntegrationId does not exists".into(),
            Self::MissingAuthHeader => {
                "Authentication failed. The request is missing the Authorization header.".into()
            }
            Self::InvalidSecretKeyFormat => {
                "Authentication failed. The provided secret key is not a UUID v4.".into()
            }
            Self::UnknownAccount => {
                "Authentication failed. The provided authorization header does \
                                     not match any account."
                    .into()
            }
            Self::InvalidSessionTokenFormat => {
                "Authentication failed. The provided connect session token is not following \
                 correct format: nango_connect_session_RANDOM)"
                    .into()
            }
            Self::UnknownSessionToken => "Authentication failed. The provided connect session \
                                          token does not match any account."
                .into(),
            Self::MissingPublicKey => {
                "Authentication failed. The request is missing a valid public \
                                       key parameter."
                    .into()
            }
            Self::InsufficientScope([scope]) => {
                format!("Insufficient scope. Required: {scope}").into()
            }
            Self::InsufficientScope(scopes) => {
                format!("Insufficient scope. Required one of: {}", scopes.join(" or ")).into()
            }
            Self::Refused(refusal) => refusal.message.as_ref().into(),
            Self::DocsOverrideForbidden => {
                "You are not allowed to override the docs connect url".into()
            }
            Self::PayloadTooLarge => {
                format!("Request body must be at most {BODY_LENGTH_MAX} bytes").into()
            }
            Self::InvalidContentType => "Content-Type header must be application/json".into(),
            Self::UnsupportedContentEncoding => "Content-Encoding must be identity".into(),
            Self::UnsupportedCharset => "charset must be utf-8".into(),
            Self::Internal(_) => "An unexpected error occurred".into(),
            Self::Unavailable(_) => "The service is temporarily unavailable, try again".into(),
        }
    }

    /// The JSON body, with its keys in the contract's order.
    pub fn body(&self) -> Value {
        let code = self.code();
        match self {
            Self::InvalidQueryParams(issues)
            | Self::InvalidUriParams(issues)
            | Self::InvalidBody(issues) => {
                json!({ "error": { "code": code, "errors": issues } })
            }
            Self::Refused(refusal) => match &refusal.payload {
                Some(payload) if refusal.is_older => {
                    json!({ "error": { "message": refusal.message, "code": code, "payload": payload } })
                }
                Some(payload) => {
                    json!({ "error": { "code": code, "message": refusal.message, "payload": payload } })
                }
                None if refusal.message.is_empty() => json!({ "error": { "code": code } }),
                None => json!({ "error": { "code": code, "message": refusal.message } }),
            },
            _ if self.is_authentication() => {
                json!({ "error": { "message": self.message(), "code": code, "payload": {} } })
            }
            _ => json!({ "error": { "code": code, "message": self.message() } }),
        }
    }
}
