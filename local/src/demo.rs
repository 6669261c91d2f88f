//! The environment that `local` provisions when it is given none, so that there is something to
//! try.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use api::{InitError, Timestamp};
use axum::body::{Bytes, to_bytes};
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use serde_json::{Value, json};
use session::secret_key::SecretKey;

use crate::{State, gateway};

/// The longest answer that is read, in bytes: more than a session needs.
const BODY_MAX: usize = 64 * 1_024;

/// The demo's environment document. It is kept in `file`, so that the secret key is the same at the
/// next start: the database has only the key's hash.
pub fn document(file: Option<&Path>) -> Result<Value, InitError> {
    let Some(file) = file else { return Ok(new()) };
    let problem = |error: &dyn std::fmt::Display| {
        InitError::new(format!("the demo environment {} {error}", file.display()))
    };
    match std::fs::read_to_string(file) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| problem(&format!("is not JSON: {error}")))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let document = new();
            write_private(file, &format!("{document:#}\n"))
                .map_err(|error| problem(&format!("cannot be written: {error}")))?;
            Ok(document)
        }
        Err(error) => Err(problem(&format!("cannot be read: {error}"))),
    }
}

fn new() -> Value {
    json!({ "environments": [ {
        "name": "demo",
        "secret_keys": [ {
            "name": "server",
            "secret": SecretKey::generate().expose(),
            "scopes": ["environment:*"],
        } ],
        "integrations": [
            { "unique_key": "github", "provider": "github", "display_name": "GitHub" },
            { "unique_key": "slack", "provider": "slack", "display_name": "Slack" },
        ],
        "connections": [ { "connection_id": "demo-connection", "integration_id": "github" } ],
        "webhooks": { "signing_key": SecretKey::generate().expose() },
    } ] })
}

/// A link that opens the Connect UI, made as an application's server makes it for one of its users.
pub async fn connect_link(
    state: &'static State,
    document: &Value,
    address: SocketAddr,
    now: Timestamp,
) -> Option<String> {
    let key = document["environments"][0]["secret_keys"][0]["secret"].as_str()?;
    let user = json!({ "end_user": { "id": "ada", "display_name": "Ada" } });
    let request = Request::post("/connect/sessions")
        .header(HOST, address.to_string())
        .header(AUTHORIZATION, format!("Bearer {key}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(user.to_string()))
        .ok()?;
    let response = gateway::respond(state, request, address, now).await;
    let body = to_bytes(response.into_body(), BODY_MAX).await.ok()?;
    let answer: Value = serde_json::from_slice(&body).ok()?;
    Some(answer["data"]["connect_link"].as_str()?.to_owned())
}

/// The document, with `url` as the receiver of webhooks in every environment that names none.
pub fn with_receiver(mut document: Value, url: &str) -> Value {
    let environments = document["environments"].as_array_mut().into_iter().flatten();
    for environment in environments.filter(|environment| environment["state"] != "absent") {
        let webhooks = environment
            .as_object_mut()
            .map(|environment| environment.entry("webhooks").or_insert_with(|| json!({})));
        if let Some(Value::Object(webhooks)) = webhooks {
            webhooks.entry("primary_url").or_insert_with(|| json!(url));
        }
    }
    document
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
