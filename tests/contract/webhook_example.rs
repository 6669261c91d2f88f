//! The example of a receiver in Rust in `docs/webhooks.md`, word for word.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tests::receiver::{Answer, Webhook};
use tests::{Flow, Receiver};

/// The signing key of environment `dev`.
const KEY: &str = "5f0c1f8a-3b1d-4a6e-8c55-0d9e7a1b2c3d";

// The example.
/// Whether a webhook is signed with the key, and no older than five minutes.
fn is_genuine(body: &[u8], headers: &http::HeaderMap, signing_key: &str) -> bool {
    standardwebhooks::Webhook::from_bytes(signing_key.as_bytes().to_vec())
        .is_ok_and(|webhook| webhook.verify(body, headers).is_ok())
}

#[test]
fn the_document_shows_the_example() {
    let page = include_str!("../../docs/webhooks.md");
    let (_, block) = page.split_once("```rust\n").expect("an example");
    let (block, _) = block.split_once("```").expect("its end");
    assert!(include_str!("webhook_example.rs").contains(&format!("// The example.\n{block}")));
}

/// The webhook that a receiver gets at a given time.
async fn sent_at(flow: &mut Flow, receiver: &Receiver, moment: Timestamp) -> Webhook {
    flow.world.set_time(moment);
    let token = flow.world.mint(json!({ "tags": {} })).await;
    flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    flow.world.deliver().await;
    let [webhook] = receiver.take().try_into().expect("one webhook");
    webhook
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the example compares with the system's clock")]
async fn it_takes_what_is_signed_lately_and_nothing_else() {
    let receiver = Receiver::start(Answer::Status(200)).await;
    let mut flow = Flow::start().await;
    let next = "a key to come";
    let webhooks = json!({ "primary_url": receiver.url() });
    flow.world.change_environment(json!({ "webhooks": webhooks })).await;

    let now = Timestamp::now();
    let old = sent_at(&mut flow, &receiver, now - SignedDuration::from_mins(6)).await;
    assert!(!is_genuine(old.body.as_bytes(), &old.headers, KEY), "old");
    let sent = sent_at(&mut flow, &receiver, now).await;
    assert!(is_genuine(sent.body.as_bytes(), &sent.headers, KEY));
    assert!(!is_genuine(sent.body.as_bytes(), &sent.headers, next), "another key");
    assert!(!is_genuine(format!("{} ", sent.body).as_bytes(), &sent.headers, KEY), "another body");
    assert!(!is_genuine(sent.body.as_bytes(), &http::HeaderMap::new(), KEY), "no signature");
    // The signature covers the time too.
    let mut later = old.headers.clone();
    later.insert("webhook-timestamp", sent.headers["webhook-timestamp"].clone());
    assert!(!is_genuine(old.body.as_bytes(), &later, KEY), "another time");

    // During a rotation both keys verify, after it only the new one.
    for (webhooks, keys) in [
        (json!({ "next_signing_key": next }), vec![KEY, next]),
        (json!({ "rotate_signing_key": "finish" }), vec![next]),
    ] {
        flow.world.change_environment(json!({ "webhooks": webhooks })).await;
        let sent = sent_at(&mut flow, &receiver, now).await;
        let is_good = |key: &&str| is_genuine(sent.body.as_bytes(), &sent.headers, key);
        assert_eq!([KEY, next].into_iter().filter(is_good).collect::<Vec<_>>(), keys);
    }
}
