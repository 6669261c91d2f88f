//! Webhooks of the local service: delivered while it runs, and those left over after a restart.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::receiver::{Answer, Webhook};
use tests::{Call, Receiver};

use crate::process::Process;

fn start(folder: &Path, receiver: &Receiver) -> Process {
    let document = json!({ "environments": [ {
        "name": "dev",
        "secret_keys": [{ "name": "server", "secret": "7d2c1b8e-63f4-4a0b-9c1d-5e8f7a6b3c21" }],
        "integrations": [{ "unique_key": "open", "provider": "unauthenticated" }],
        "webhooks": { "primary_url": receiver.url(), "signing_key": "secret" },
    } ] });
    std::fs::write(folder.join("environment.json"), document.to_string()).expect("a file");
    Process::start(folder, &["--environment", "environment.json", "--stop-within", "5"])
}

async fn connect(process: &Process) -> String {
    let client = reqwest::Client::new();
    let create = Call::create(&process.secret_key, &json!({ "tags": {} }));
    let token = create.send_over(&client, &process.url).await.token();
    let path = format!("/auth/unauthenticated/open?connect_session_token={token}");
    let reply = Call::new("POST", &path).json(&json!({})).send_over(&client, &process.url).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["connectionId"].as_str().expect("an id").to_owned()
}

/// The next webhook.
async fn arrived(receiver: &Receiver) -> Webhook {
    let started = Instant::now();
    loop {
        if let Some(webhook) = receiver.take().pop() {
            return webhook;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "no webhook");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_arrives_and_is_a_line_in_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start(Answer::Status(200)).await;
    let process = start(folder.path(), &receiver);
    let id = connect(&process).await;
    let webhook = arrived(&receiver).await;
    assert!(webhook.body.contains(&id), "{webhook:?}");
    process.wait_for("webhook delivered");
    assert!(process.stderr().contains(webhook.id()));
    // The path of a receiver may be a secret.
    assert!(!process.output().contains("/hooks/secret"), "{}", process.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_at_the_end_is_sent_after_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start(Answer::Hang).await;
    let mut process = start(folder.path(), &receiver);
    connect(&process).await;
    let first = arrived(&receiver).await;
    // A delivery that hangs does not delay the end.
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0), "{}", process.output());
    receiver.answer(Answer::Status(200));
    let process = start(folder.path(), &receiver);
    let again = arrived(&receiver).await;
    assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    process.wait_for("webhook delivered");
}
