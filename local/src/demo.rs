//! The environment that a first start provisions, so that there is something to try.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use api::InitError;
use serde_json::{Value, json};
use session::secret_key::SecretKey;

/// The demo's environment document. Kept in `file`, it has the same secret key at the next start;
/// the database has only the key's hash.
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
        "secret_keys": [ { "name": "server", "secret": SecretKey::generate().expose() } ],
        "integrations": [
            { "unique_key": "github", "provider": "github", "display_name": "GitHub" },
            { "unique_key": "slack", "provider": "slack", "display_name": "Slack" },
        ],
        "connections": [ { "connection_id": "demo-connection", "integration_id": "github" } ],
        "webhooks": { "signing_key": SecretKey::generate().expose() },
    } ] })
}

/// The document with webhooks that go to `url`, where it names no receiver.
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
