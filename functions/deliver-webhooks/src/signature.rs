//! The headers that sign a webhook. Each attempt has new ones, since receivers check the age of a
//! signature.
//!
//! | header | holds |
//! |---|---|
//! | `X-Nango-Hmac-Sha256` | hex HMAC-SHA256 of the body (contract section 7.3) |
//! | `X-Nango-Signature` | hex SHA-256 of key and body: only if the environment asks for it |
//! | `webhook-id`, `webhook-timestamp` | the event's id, and the time of the attempt |
//! | `webhook-signature` | the signature of id, time and body (Standard Webhooks) |
//!
//! While a key is being replaced, `webhook-signature` has a signature of each key. The other
//! headers have only one signature, that of the key in use.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use ring::digest::{self, SHA256};
use ring::hmac;
use session::event::Event;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

const HMAC: HeaderName = HeaderName::from_static("x-nango-hmac-sha256");
const LEGACY: HeaderName = HeaderName::from_static("x-nango-signature");

/// The prefix of a secret in the form of Standard Webhooks.
const STANDARD_PREFIX: &str = "whsec_";

/// The keys of an environment, as text.
#[derive(Clone, Default)]
pub struct Keys {
    /// The key in use.
    pub current: Option<String>,
    /// The key that will replace it.
    pub next: Option<String>,
}

/// The headers of an attempt at `now`. Without a key there is no signature.
pub fn headers(
    event: &Event,
    keys: &Keys,
    with_legacy: bool,
    now: Timestamp,
) -> Result<HeaderMap, InvalidHeaderValue> {
    let (id, timestamp) = (event.id.to_string(), now.as_second());
    let mut headers = HeaderMap::new();
    let mut insert = |name: HeaderName, value: &str| {
        headers.insert(name, HeaderValue::from_str(value)?);
        Ok(())
    };
    if let Some(key) = &keys.current {
        insert(HMAC, &hmac_sha256(key, &event.body))?;
        if with_legacy {
            insert(LEGACY, &legacy(key, &event.body))?;
        }
    }
    insert(HeaderName::from_static(HEADER_WEBHOOK_ID), &id)?;
    insert(HeaderName::from_static(HEADER_WEBHOOK_TIMESTAMP), &timestamp.to_string())?;
    let signatures: Vec<_> = (keys.current.iter().chain(&keys.next))
        .filter_map(|key| {
            let webhook = Webhook::from_bytes(standard_key(key)).ok()?;
            webhook.sign(&id, timestamp, event.body.as_bytes()).ok()
        })
        .collect();
    if !signatures.is_empty() {
        insert(HeaderName::from_static(HEADER_WEBHOOK_SIGNATURE), &signatures.join(" "))?;
    }
    Ok(headers)
}

/// `X-Nango-Hmac-Sha256`.
pub fn hmac_sha256(key: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hex::encode(hmac::sign(&key, body.as_bytes()))
}

/// `X-Nango-Signature`. From one signature, anybody can compute those of longer bodies (length
/// extension).
pub fn legacy(key: &str, body: &str) -> String {
    let mut hash = digest::Context::new(&SHA256);
    hash.update(key.as_bytes());
    hash.update(body.as_bytes());
    hex::encode(hash.finish())
}

/// The bytes with which Standard Webhooks signs: the decoded bytes if the key is `whsec_` and
/// base64, otherwise its UTF-8 bytes.
pub fn standard_key(key: &str) -> Vec<u8> {
    let decoded = key.strip_prefix(STANDARD_PREFIX).map(|text| BASE64_STANDARD.decode(text));
    match decoded {
        Some(Ok(bytes)) => bytes,
        _ => key.as_bytes().to_vec(),
    }
}
