//! Searches stored items for secrets in every encoding that is likely.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};
use std::fmt::Write;

/// The shortest text that is searched for, because shorter ones turn up by chance.
const LENGTH_MIN: usize = 8;

/// A submission to a connect endpoint in each auth mode, by the path of an integration of the
/// recorded flow cases. Every text in it is a secret.
pub fn submissions() -> Vec<(&'static str, Value)> {
    let user = |mode: &str| json!({ "username": format!("user-of-{mode}"), "password": format!("päss\"of\\{mode}") });
    let with = |mut body: Value, more: Value| {
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("one"));
        body
    };
    let signing =
        json!({ "id": "id-of-signing-key", "secret": "6a09e667f3bcc908b2fb1366ea957d3e" });
    vec![
        ("/api-auth/api-key/key-verify", json!({ "apiKey": "key-of-api-key-mode" })),
        ("/api-auth/basic/basic-verify", user("basic")),
        (
            "/oauth2/auth/cc",
            json!({ "client_id": "client-of-end-user", "client_secret": "secret-of-end-user" }),
        ),
        ("/auth/jwt/jwt", json!({ "privateKey": signing })),
        ("/auth/two-step/twostep", with(user("two-step"), json!({ "pin": "pin-of-two-step" }))),
        (
            "/auth/tba/tba?params[accountId]=1",
            json!({
                "token_id": "id-of-tba-token",
                "token_secret": "secret-of-tba-token",
                "oauth_client_id_override": "client-id-of-tba",
                "oauth_client_secret_override": "client-secret-of-tba",
            }),
        ),
        ("/auth/signature/sig", with(user("signature"), json!({ "type": "WSSE" }))),
        (
            "/auth/bill/bill",
            with(
                user("bill"),
                json!({ "organization_id": "org-of-bill", "dev_key": "dev-of-bill" }),
            ),
        ),
    ]
}

/// Imports in the auth modes that have no connect endpoint, with the secret texts of their
/// credentials.
pub fn imports() -> Vec<Value> {
    vec![
        json!({ "provider_config_key": "oauth", "credentials": {
            "type": "OAUTH2", "access_token": "imported-access-token",
            "refresh_token": "imported-refresh-token",
            "config_override": { "client_id": "imported-client", "client_secret": "imported-secret" },
        } }),
        json!({ "provider_config_key": "oauth1", "credentials": {
            "type": "OAUTH1", "oauth_token": "imported-oauth1-token",
            "oauth_token_secret": "imported-oauth1-secret",
        } }),
    ]
}

/// Session defaults that contain secrets, and these secrets.
pub fn session_defaults() -> (Value, [String; 2]) {
    let secrets = ["client-secret-of-session", "refresh-token-of-session"].map(str::to_owned);
    let config = json!({
        "oauth_client_id_override": "client-id-of-session",
        "oauth_client_secret_override": secrets[0],
        "oauth_refresh_token_override": secrets[1],
    });
    (json!({ "oauth": { "connection_config": config } }), secrets)
}

/// Every text in a value that is long enough to be searched for.
pub fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.len() >= LENGTH_MIN => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// The secrets that `stored` contains in some encoding, each with the encoding's name.
pub fn found(stored: &[u8], secrets: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        for (encoding, bytes) in encodings(secret) {
            if stored.windows(bytes.len()).any(|window| window == bytes) {
                found.push(format!("{secret} as {encoding}"));
            }
        }
    }
    found
}

/// Plain, base64, base64url, hexadecimal, JSON and UTF-16. The base64 of a text within a longer one
/// depends on the number of bytes before it, and its first and last digit on its neighbours.
fn encodings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let mut hex = String::new();
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    let json = json!(secret).to_string();
    let json = json.trim_matches('"');
    let units: Vec<_> = secret.encode_utf16().collect();
    let escaped = |unit: &u16| match u8::try_from(*unit) {
        Ok(ascii) if ascii.is_ascii_alphanumeric() || ascii == b'-' => {
            char::from(ascii).to_string()
        }
        _ => format!("\\u{unit:04x}"),
    };
    let mut encodings = vec![
        ("text", bytes.to_vec()),
        ("hexadecimal", hex.clone().into_bytes()),
        ("capital hexadecimal", hex.to_uppercase().into_bytes()),
        ("JSON", json.as_bytes().to_vec()),
        ("JSON in JSON", json!(json).to_string().trim_matches('"').as_bytes().to_vec()),
        ("escaped JSON", units.iter().map(escaped).collect::<String>().into_bytes()),
        ("UTF-16", units.iter().flat_map(|unit| unit.to_le_bytes()).collect()),
        ("big-endian UTF-16", units.iter().flat_map(|unit| unit.to_be_bytes()).collect()),
    ];
    for before in 0..3 {
        let shifted = [&vec![0; before][..], bytes].concat();
        let (first, end) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        for (name, engine) in [("base64", STANDARD), ("base64url", URL_SAFE)] {
            encodings.push((name, engine.encode(&shifted).as_bytes()[first..end].to_vec()));
        }
    }
    encodings
}
