//! The service as `cargo run` starts it.

use std::process::Command;

use local::banner::Banner;
use serde_json::{Value, json};
use tests::Call;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Process, command};

// R1 R9 R10 R11 R12
#[test]
fn the_four_printed_commands_work_when_pasted() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path(), &[]);
    // The command before them reads a connection that was not made here.
    let commands = &process.examples[1..];
    assert_eq!(commands.len(), 4);
    let script = commands.join("\necho; echo ----\n");
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
async fn the_printed_link_opens_the_connect_ui_with_the_demo_providers() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path(), &["--in-memory"]);
    let output = process.stdout();
    let link = output.lines().find(|line| line.starts_with("http://")).expect("a link");
    let client = reqwest::Client::new();
    let page = client.get(link).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
    let token = link.split("session_token=").nth(1).expect("a token");
    let call = Call::new("GET", "/integrations").bearer(token);
    let list = call.send_over(&client, &process.url).await.json();
    let names: Vec<_> = list["data"].as_array().expect("a list").iter().collect();
    for name in ["Demo OAuth", "Demo OAuth (refuses)", "Demo API key"] {
        assert!(names.iter().any(|item| item["display_name"] == name), "{name}: {list}");
    }
}

#[tokio::test]
async fn what_the_printed_link_connects_is_in_the_log_and_the_printed_command_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path(), &["--in-memory"]);
    let output = process.stdout();
    let token = output.split("session_token=").nth(1).and_then(|rest| rest.lines().next());
    let token = token.expect("a link");
    let path = format!("/api-auth/api-key/demo-api-key?connect_session_token={token}");
    let key = json!({ "apiKey": local::providers::catalogue::API_KEY });
    let client = reqwest::Client::new();
    let reply = Call::new("POST", &path).json(&key).send_over(&client, &process.url).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let connected = reply.json();
    process.wait_for("webhook in the inbox");
    let log = process.stderr();
    let line = log.lines().find(|line| line.contains("webhook in the inbox")).expect("a line");
    assert!(line.contains(connected["connectionId"].as_str().expect("an id")), "{line}");
    assert!(line.contains("end_user_id"), "{line}");
    let shell = Command::new("bash").args(["-ec", &process.examples[0]]).output();
    let read: Value = serde_json::from_slice(&shell.expect("bash runs").stdout).expect("JSON");
    assert_eq!(read["connection_id"], connected["connectionId"]);
    assert_eq!(read["credentials"]["apiKey"], key["apiKey"]);
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
    // Both use the same folder, and so the same KMS key.
    let first = Process::start(folder.path(), &["--engine", &address]);
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
        "--listen --data --in-memory --engine --environment --dynamodb --log --stop-within RUST_LOG"
            .split(' ')
    {
        assert!(help.contains(flag), "{flag} in {help}");
    }
}

#[tokio::test]
async fn head_answers_the_length_of_get() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path(), &["--in-memory"]);
    let client = reqwest::Client::new();
    let call = Call::create(&process.secret_key, &json!({ "tags": {} }));
    let token = call.send_over(&client, &process.url).await.token();
    for credential in [&token, "x"] {
        let get = Call::get(credential).send_over(&client, &process.url).await;
        let head = Call::new("HEAD", "/connect/session").bearer(credential);
        let head = head.send_over(&client, &process.url).await;
        assert_eq!((head.status, head.body.as_str()), (get.status, ""));
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn a_body_above_10_mb_is_refused_as_by_api_gateway() {
    const LIMIT: usize = 10 * 1_024 * 1_024;
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start(folder.path(), &["--in-memory"]);
    // A body with a length is not even read; one in chunks is read up to the limit.
    let chunk = format!("{:x}\r\n{}", LIMIT + 1, "x".repeat(LIMIT + 1));
    for (framing, body) in [
        (format!("content-length: {}", LIMIT + 1), String::new()),
        ("transfer-encoding: chunked".to_owned(), chunk),
    ] {
        let address = process.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let head = format!("POST /connect/sessions HTTP/1.1\r\nhost: localhost\r\n{framing}");
        let request = format!("{head}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.expect("a write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
        assert!(answer.contains("\r\naccess-control-allow-origin: *\r\n"), "{answer}");
        assert!(answer.contains("\r\naccess-control-expose-headers: "), "{answer}");
        assert!(answer.ends_with(r#"{"message":"Request Entity Too Large"}"#), "{answer}");
    }
    // A shorter body is refused by the function.
    let call = Call::new("POST", "/connect/sessions").header("content-type", "application/json");
    let client = reqwest::Client::new();
    let reply = call.body(vec![b' '; LIMIT]).send_over(&client, &process.url).await;
    assert_eq!(reply.json()["error"]["code"], "payload_too_large");
}

#[test]
fn the_banner_shows_no_secret_key_of_aws() {
    let secret = "b3d7a0d2-6a06-4ce5-8a2f-4f4c6f2e7b11";
    let banner = |is_aws| {
        let keys = json!([{ "name": "server", "secret": secret }]);
        let document = json!({ "environments": [{ "name": "dev", "secret_keys": keys }] });
        let address = "127.0.0.1:3003".parse().expect("an address");
        let document = Some(document);
        let data = String::new();
        Banner { address, data, is_aws, connect_link: None, document, report: None }.text()
    };
    assert!(banner(false).contains(&format!("Authorization: Bearer {secret}")));
    assert!(!banner(true).contains(secret));
    assert!(banner(true).contains("Authorization: Bearer $SECRET_KEY"));
}
