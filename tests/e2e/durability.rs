//! What survives the end of the process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tests::Call;

use crate::process::Process;

#[tokio::test]
async fn a_kill_in_the_middle_of_a_load_loses_no_session_that_was_answered() {
    const ENOUGH: usize = 200;
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::start(folder.path(), &[]);
    let (url, key) = (process.url.clone(), process.secret_key.clone());
    let minted = Arc::new(Mutex::new(Vec::new()));
    let failed = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (url, key) = (url.clone(), key.clone());
            let (minted, failed) = (Arc::clone(&minted), Arc::clone(&failed));
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                loop {
                    let request = client
                        .post(format!("{url}/connect/sessions"))
                        .bearer_auth(&key)
                        .header("content-type", "application/json")
                        .body(r#"{"tags":{}}"#);
                    let Ok(response) = request.send().await else { break };
                    let Ok(text) = response.text().await else { break };
                    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                    let token = answer["data"]["token"].as_str().expect("a token").to_owned();
                    minted.lock().expect("no panic").push(token);
                }
                failed.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    while minted.lock().expect("no panic").len() < ENOUGH {
        tokio::task::yield_now().await;
    }
    process.signal("KILL");
    process.wait();
    for client in clients {
        client.await.expect("no panic");
    }
    assert_eq!(failed.load(Ordering::Relaxed), 8);

    let again = Process::start(folder.path(), &[]);
    assert_eq!(again.secret_key, key, "the demo keeps its key");
    let client = reqwest::Client::new();
    let minted = minted.lock().expect("no panic").clone();
    assert!(minted.len() >= ENOUGH);
    for token in &minted {
        let reply = Call::get(token).send_over(&client, &again.url).await;
        assert_eq!(reply.status, 200, "an answered session is lost");
    }
}
