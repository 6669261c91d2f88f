//! What `local` leaves on disk.

use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};
use tests::flow::{connect, document};
use tests::{Call, Provider, leaks};

use crate::process::Process;

/// The bytes of every file below a folder, in a row.
fn contents(folder: &Path) -> Vec<u8> {
    let mut contents = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        contents.extend(if path.is_dir() { self::contents(&path) } else { read(&path) });
    }
    contents
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).expect("a file")
}

// Every auth mode that can be connected, and the document's client secrets and keys.
#[tokio::test(flavor = "multi_thread")]
async fn its_files_and_its_log_hold_no_secret_in_any_encoding() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let document = document(&provider);
    let file = folder.path().join("environment.json");
    std::fs::write(&file, document.to_string()).expect("a file");
    let mut process = Process::start(folder.path(), &["--environment", "environment.json"]);
    let dev = &document["environments"][0];
    let secret_key = dev["secret_keys"][0]["secret"].as_str().expect("a key");
    let client = Client::new();
    let send = async |call: Call, status: u16| {
        let reply = call.send_over(&client, &process.url).await;
        assert_eq!(reply.status, status, "{reply:?}");
        reply
    };

    let (defaults, session_secrets) = leaks::session_defaults();
    let body = json!({ "tags": {}, "integrations_config_defaults": defaults });
    let token = send(Call::create(secret_key, &body), 201).await.token();
    let mut secrets = vec![secret_key.to_owned(), token.clone()];
    secrets.extend(session_secrets);
    for (path, body) in leaks::submissions() {
        send(connect(path, &token).json(&body), 200).await;
        secrets.extend(leaks::texts(&body));
    }
    for import in leaks::imports() {
        send(Call::new("POST", "/connections").bearer(secret_key).json(&import), 201).await;
        secrets.extend(leaks::texts(&import["credentials"]));
    }
    let list = send(Call::new("GET", "/connections").bearer(secret_key), 200).await;
    let listed = list.json()["connections"].as_array().expect("a list").clone();
    for listed in &listed {
        let text = |name: &str| listed[name].as_str().expect("a text").to_owned();
        let (key, id) = (text("provider_config_key"), text("connection_id"));
        let path = format!("/connections/{id}?provider_config_key={key}");
        let read = send(Call::new("GET", &path).bearer(secret_key), 200).await.json();
        for name in ["token", "access_token", "session_id"] {
            secrets.extend(leaks::texts(&read["credentials"][name]));
        }
    }
    for integration in dev["integrations"].as_array().expect("a list") {
        secrets.extend(leaks::texts(&integration["credentials"]["client_secret"]));
    }
    secrets.extend(leaks::texts(&dev["webhooks"]["signing_key"]));
    assert!(secrets.len() > 35, "{secrets:?}");

    process.signal("TERM");
    assert!(process.wait().success());
    let stored = contents(&folder.path().join(".local"));
    let id = |listed: &Value| listed["connection_id"].as_str().map(str::to_owned);
    let ids: Vec<_> = listed.iter().filter_map(id).collect();
    assert!(leaks::found(&stored, &ids).len() >= ids.len(), "what was stored is there");
    assert_eq!(leaks::found(&stored, &secrets), Vec::<String>::new());
    assert_eq!(leaks::found(process.stderr().as_bytes(), &secrets), Vec::<String>::new());
}
