//! The service as `cargo run` starts it.

use std::collections::BTreeSet;
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
async fn one_line_is_logged_for_each_request_and_no_line_holds_a_credential() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut local = command(folder.path(), &["--listen", "127.0.0.1:0", "--in-memory"]);
    local.env("RUST_LOG", "trace");
    let mut process = Process::spawn(local);
    let client = reqwest::Client::new();
    let send = async |call: Call| call.send_over(&client, &process.url).await;
    let secret = "a value that nobody needs to know";
    let body = json!({ "end_user": { "id": secret }, "tags": { "t": secret } });
    let token = send(Call::create(&process.secret_key, &body)).await.token();
    assert_eq!(send(Call::get(&token)).await.status, 200);
    assert_eq!(send(Call::get(&process.secret_key)).await.status, 401);
    assert_eq!(send(Call::create(&token, &body)).await.status, 401);
    let hostile = Call::get(&token).header("host", "a.127.0.0.1:1").header("x-secret", secret);
    assert_eq!(send(hostile).await.status, 200);
    assert_eq!(send(Call::delete(&token)).await.status, 204);

    process.signal("TERM");
    assert!(process.wait().success());
    let output = process.output();
    let lines: Vec<Value> = output
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    for line in &lines {
        let line = line.to_string();
        let hex = &token[token.len() - 64..];
        for secret in [&process.secret_key, hex, secret] {
            assert!(!line.contains(secret), "{line}");
        }
    }
    let summaries: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    let seen: Vec<_> = (summaries.iter())
        .map(|line| (line["route"].as_str(), line["status"].as_u64(), line["code"].as_str()))
        .collect();
    let unknown = Some("invalid_connect_session_token_format");
    assert_eq!(
        seen,
        [
            (Some("POST /connect/sessions"), Some(201), None),
            (Some("GET /connect/session"), Some(200), None),
            (Some("GET /connect/session"), Some(401), unknown),
            (Some("POST /connect/sessions"), Some(401), Some("invalid_secret_key_format")),
            (Some("GET /connect/session"), Some(200), None),
            (Some("DELETE /connect/session"), Some(204), None),
        ]
    );
    let keys: BTreeSet<_> = summaries[0].as_object().expect("an object").keys().collect();
    let expected = [
        "dynamodb_calls",
        "duration_us",
        "environment_id",
        "key_id",
        "level",
        "message",
        "request_id",
        "route",
        "session_id",
        "status",
        "target",
        "timestamp",
    ];
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), {
        let mut expected = expected;
        expected.sort_unstable();
        expected
    });
    assert_eq!(summaries[0]["dynamodb_calls"], json!(3));
    assert_eq!(summaries[1]["session_id"], summaries[0]["session_id"]);
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

#[test]
fn help_explains_every_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = command(folder.path(), &["--help"]).output().expect("it runs");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for flag in ["--listen", "--data", "--in-memory", "--environment", "--dynamodb", "RUST_LOG"] {
        assert!(help.contains(flag), "{flag} in {help}");
    }
}
