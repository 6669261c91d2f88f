//! Tokens that are signed locally: JSON Web Tokens with HMAC (RFC 7519, RFC 7515), WS-Security user
//! name tokens (OASIS `UsernameToken` Profile 1.0), and OAuth 1.0a signatures (RFC 5849).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use serde_json::{Map, Value, json};
use session::Error;

use crate::moments::{lifetime, moment, object};
use flow::variables::Variables;

/// The credentials to store, with a JSON Web Token made from the provider's template.
///
/// A signing key of an even number of hexadecimal digits is decoded to bytes.
pub fn jwt(variables: Variables<'_>, now: Timestamp) -> Result<Map<String, Value>, Error> {
    let provider = variables.provider;
    let token = provider.object("token").ok_or_else(|| Error::internal("no token template"))?;
    let signing_key = token.get("signing_key").and_then(Value::as_str).unwrap_or_default();
    let signing_key = variables.fill(signing_key)?;
    let lifetime = lifetime(provider);
    let mut payload = Map::new();
    payload.insert("iat".to_owned(), json!(now.as_second()));
    payload.insert("exp".to_owned(), json!(now.as_second() + lifetime.as_secs()));
    for (name, value) in token.get("payload").and_then(Value::as_object).into_iter().flatten() {
        payload.insert(name.clone(), filled(&variables, value)?);
    }
    let mut header = object(json!({ "alg": "HS256", "typ": "JWT" }));
    for (name, value) in token.get("header").and_then(Value::as_object).into_iter().flatten() {
        header.insert(name.clone(), filled(&variables, value)?);
    }
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("HS256") => hmac::HMAC_SHA256,
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        _ => return Err(Error::refused(400, "invalid_auth_mode", "")),
    };
    let part = |part: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(part).to_string());
    let signed = format!("{}.{}", part(header), part(payload));
    let key = hex::decode(&signing_key).unwrap_or_else(|_| signing_key.into_bytes());
    let signature = hmac::sign(&hmac::Key::new(algorithm, &key), signed.as_bytes());
    let signed = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));

    let mut credentials = object(json!({ "type": "JWT" }));
    credentials.extend(variables.credentials.clone());
    credentials.insert("token".to_owned(), Value::String(signed));
    credentials.insert("expires_at".to_owned(), moment(now, lifetime));
    Ok(credentials)
}

fn filled(variables: &Variables<'_>, value: &Value) -> Result<Value, Error> {
    match value {
        Value::String(template) => variables.fill(template).map(Value::String),
        other => Ok(other.clone()),
    }
}

/// The credentials to store, with a WS-Security user name token.
pub fn user_name_token(
    variables: Variables<'_>,
    now: Timestamp,
) -> Result<Map<String, Value>, Error> {
    let sent = variables.credentials;
    let text = |name| sent.get(name).and_then(Value::as_str).unwrap_or_default();
    let (username, password) = (text("username"), text("password"));
    let nonce = nonce()?;
    let created = format!("{now:.0}");
    let digested = [nonce.as_bytes(), created.as_bytes(), password.as_bytes()].concat();
    // The profile prescribes SHA-1.
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &digested);
    let (digest, encoded) = (STANDARD.encode(digest), STANDARD.encode(&nonce));
    let token = format!(
        "UsernameToken Username=\"{username}\", PasswordDigest=\"{digest}\", \
         Nonce=\"{encoded}\", Created=\"{created}\""
    );
    Ok(object(json!({
        "type": "SIGNATURE",
        "username": username,
        "password": password,
        "token": token,
        "expires_at": moment(now, lifetime(variables.provider)),
    })))
}

/// The keys of an OAuth 1.0a signature.
#[derive(Clone, Copy)]
pub struct OAuth1<'a> {
    /// `realm`: the account of `NetSuite`.
    pub realm: &'a str,
    /// `oauth_consumer_key` and its secret.
    pub consumer: (&'a str, &'a str),
    /// `oauth_token` and its secret.
    pub token: (&'a str, &'a str),
}

/// The `Authorization` header of a request without parameters (RFC 5849 section 3.5.1), signed with
/// HMAC-SHA256, as the token-based authentication of `NetSuite` requires.
pub fn oauth1_header(
    keys: OAuth1<'_>,
    method: &str,
    url: &url::Url,
    now: Timestamp,
) -> Result<String, Error> {
    let timestamp = now.as_second().to_string();
    let nonce = nonce()?;
    // Sorted by name, as in the signature base string.
    let mut parameters = vec![
        ("oauth_consumer_key".to_owned(), keys.consumer.0.to_owned()),
        ("oauth_nonce".to_owned(), nonce),
        ("oauth_signature_method".to_owned(), "HMAC-SHA256".to_owned()),
        ("oauth_timestamp".to_owned(), timestamp),
        ("oauth_token".to_owned(), keys.token.0.to_owned()),
        ("oauth_version".to_owned(), "1.0".to_owned()),
    ];
    let mut signed = parameters.clone();
    signed.extend(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())));
    signed.sort();
    let pairs: Vec<_> = signed
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let address = &url[..url::Position::AfterPath];
    let base = format!("{method}&{}&{}", encoded(address), encoded(&pairs.join("&")));
    let key = format!("{}&{}", encoded(keys.consumer.1), encoded(keys.token.1));
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, base.as_bytes()));
    parameters.push(("oauth_signature".to_owned(), signature));
    let parameters: Vec<_> =
        parameters.iter().map(|(name, value)| format!("{name}=\"{}\"", encoded(value))).collect();
    Ok(format!("OAuth realm=\"{}\", {}", encoded(keys.realm), parameters.join(", ")))
}

/// Percent-encoding of RFC 5849 section 3.6.
fn encoded(text: &str) -> String {
    flow::variables::percent_encoded(text)
}

/// A nonce: 32 random hexadecimal digits.
fn nonce() -> Result<String, Error> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(Error::internal)?;
    Ok(hex::encode(random))
}
