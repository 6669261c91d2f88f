//! The service as `cargo run` starts it.

use std::process::Command;

use serde_json::{Value, json};
use tests::Call;

use crate::process::{Process, command};

// R1 R9 R10 R11 R12
#[test]
fn the_four_printed_commands_work_when_pasted() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path(), &[]);
    assert_eq!(process.examples.len(), 4);
    let script = process.examples.join("\necho; echo ----\n");
    let shell = Command::new("bash").args(["-ec", &script]).output().expect("bash runs");
    let output = String::from_utf8(shell.stdout).expect("UTF-8");
    let answers: Vec<_> = output.split("----").map(str::trim).collect();
    assert!(answers[0].starts_with("nango_connect_session_"), "{output}");
    let read: Value = serde_json::from_str(answers[1]).expect("JSON");
    assert_eq!(read["data"]["endUser"]["email"], json!("ada@example.com"));
    assert!(answers[2].contains(r#""token":"nango_connect_session_"#), "{output}");
    assert!(answers[3].starts_with("HTTP/1.1 204 No Content"), "{output}");
}

#[tokio::test]
async fn an_environment_document_takes_the_place_of_the_demo() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = json!({ "environments": [ {
        "name": "dev",
        "secret_keys": [{ "name": "server" }],
        "integrations": [{ "unique_key": "hubspot", "provider": "hubspot" }],
    } ] });
    let file = folder.path().join("environment.json");
    std::fs::write(&file, document.to_string()).expect("a file");
    let process =
        Process::start(folder.path(), &["--in-memory", "--environment", "environment.json"]);
    assert!(process.output().contains("server of dev"), "{}", process.output());
    let client = reqwest::Client::new();
    for (integration, status) in [("hubspot", 201), ("github", 400)] {
        let body = json!({ "tags": {}, "allowed_integrations": [integration] });
        let call = Call::create(&process.secret_key, &body);
        assert_eq!(call.send_over(&client, &process.url).await.status, status);
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_endpoint_can_hold_the_tables() {
    let engine = local::dynamodb::Engine::start(None).await.expect("an engine");
    let folder = tempfile::tempdir().expect("a folder");
    let client = reqwest::Client::new();
    let first = Process::start(folder.path(), &["--dynamodb", &engine.url()]);
    let call = Call::create(&first.secret_key, &json!({ "tags": {} }));
    let token = call.send_over(&client, &first.url).await.token();
    // Two processes on one set of tables: the session of one is the session of both.
    let second = Process::start(folder.path(), &["--dynamodb", &engine.url()]);
    assert_eq!(Call::get(&token).send_over(&client, &second.url).await.status, 200);
    assert_eq!(Call::delete(&token).send_over(&client, &second.url).await.status, 204);
    assert_eq!(Call::get(&token).send_over(&client, &first.url).await.status, 401);
}

#[tokio::test]
async fn the_engine_can_listen_where_another_process_finds_it() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
    let address = free.expect("a free port").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let first = Process::start(folder.path(), &["--in-memory", "--engine", &address]);
    let second = Process::start(folder.path(), &["--dynamodb", &format!("http://{address}")]);
    let client = reqwest::Client::new();
    let call = Call::create(&second.secret_key, &json!({ "tags": {} }));
    let token = call.send_over(&client, &second.url).await.token();
    assert_eq!(Call::get(&token).send_over(&client, &first.url).await.status, 200);
}

#[test]
fn help_explains_every_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = command(folder.path(), &["--help"]).output().expect("it runs");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for flag in
        ["--listen", "--data", "--in-memory", "--engine", "--environment", "--dynamodb", "RUST_LOG"]
    {
        assert!(help.contains(flag), "{flag} in {help}");
    }
}
