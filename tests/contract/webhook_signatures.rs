//! The signatures of webhooks: the headers of the contract (section 7.3) and of Standard Webhooks,
//! also while a key is rotated.

use deliver_webhooks::signature::{hmac_sha256, legacy, standard_key};
use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;
use tests::receiver::{Answer, Webhook};
use tests::{Flow, Receiver};

/// The signing key of environment `dev`.
const KEY: &str = "5f0c1f8a-3b1d-4a6e-8c55-0d9e7a1b2c3d";

// The vectors of contract section 7.3.
#[test]
fn the_headers_of_the_contract_are_those_of_its_vectors() {
    let hmac = "b82fcb791acec57859b989b430a826488ce2e479fdf92326bd0a2e8375a42ba4";
    assert_eq!(hmac_sha256("secret", "payload"), hmac);
    let older = "22439a879b090cd05e5b51c5b5d7e4a205830e6ab4f54b90f5a822b7c7110934";
    assert_eq!(legacy("secret", "payload"), older);
}

#[test]
fn a_key_in_the_form_of_standard_webhooks_is_what_it_stands_for() {
    assert_eq!(standard_key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").len(), 24);
    assert_eq!(standard_key("whsec_no base64"), b"whsec_no base64");
    assert_eq!(standard_key(KEY), KEY.as_bytes());
    // The vector of the specification's own libraries.
    let key = standard_key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let signed = Verifier::from_bytes(key).expect("a key").sign(
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1_649_367_553,
        br#"{"email":"test@example.com","username":"test_user"}"#,
    );
    let expected = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    assert_eq!(signed.expect("a signature"), expected);
}

/// Whether `webhook-signature` was made with a key. The verifier reads the system's clock, so the
/// comparison is with a new signature for the time that the webhook names.
fn is_signed_with(webhook: &Webhook, key: &str) -> bool {
    let timestamp = webhook.header("webhook-timestamp").expect("a moment").parse();
    let signer = Verifier::from_bytes(standard_key(key)).expect("a key");
    let signature = signer.sign(webhook.id(), timestamp.expect("seconds"), webhook.body.as_bytes());
    let signature = signature.expect("a signature");
    let sent = webhook.header("webhook-signature").expect("signatures");
    sent.split(' ').any(|one| one == signature)
}

async fn webhook(flow: &Flow, receiver: &Receiver) -> Webhook {
    let token = flow.world.mint(json!({ "tags": { "city": "Zürich" } })).await;
    flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    flow.world.deliver().await;
    let [webhook] = receiver.take().try_into().expect("one webhook");
    webhook
}

async fn change(flow: &mut Flow, webhooks: Value) -> Vec<String> {
    let report = flow.world.change_environment(json!({ "webhooks": webhooks })).await;
    report.secrets.into_iter().map(|secret| format!("{}={}", secret.name, secret.secret)).collect()
}

// D43 D50
#[tokio::test]
async fn each_webhook_carries_both_signatures_and_the_older_one_on_request() {
    let receiver = Receiver::start(Answer::Status(200)).await;
    let mut flow = Flow::start().await;
    change(&mut flow, json!({ "primary_url": receiver.url() })).await;
    let sent = webhook(&flow, &receiver).await;
    assert_eq!(sent.header("x-nango-hmac-sha256"), Some(&*hmac_sha256(KEY, &sent.body)));
    assert_eq!(sent.header("x-nango-signature"), None);
    assert!(is_signed_with(&sent, KEY));
    let timestamp = flow.world.now.as_second().to_string();
    assert_eq!(sent.header("webhook-timestamp"), Some(&*timestamp));

    change(&mut flow, json!({ "legacy_signature": true })).await;
    let sent = webhook(&flow, &receiver).await;
    assert_eq!(sent.header("x-nango-signature"), Some(&*legacy(KEY, &sent.body)));
}

#[tokio::test]
async fn a_key_takes_the_place_of_another_in_two_steps() {
    let receiver = Receiver::start(Answer::Status(200)).await;
    let mut flow = Flow::start().await;
    change(&mut flow, json!({ "primary_url": receiver.url() })).await;
    let start = json!({ "rotate_signing_key": "start" });
    let [told] = change(&mut flow, start.clone()).await.try_into().expect("the new key");
    let next = told.strip_prefix("webhooks/next_signing_key=").expect("its name").to_owned();
    assert_eq!(change(&mut flow, start).await, Vec::<String>::new(), "once");
    let sent = webhook(&flow, &receiver).await;
    assert!(is_signed_with(&sent, KEY) && is_signed_with(&sent, &next));
    assert_eq!(sent.header("x-nango-hmac-sha256"), Some(&*hmac_sha256(KEY, &sent.body)));

    let finish = json!({ "rotate_signing_key": "finish" });
    for _ in 0..2 {
        assert_eq!(change(&mut flow, finish.clone()).await, Vec::<String>::new());
        let sent = webhook(&flow, &receiver).await;
        assert!(!is_signed_with(&sent, KEY) && is_signed_with(&sent, &next));
        assert_eq!(sent.header("x-nango-hmac-sha256"), Some(&*hmac_sha256(&next, &sent.body)));
    }
}

#[tokio::test]
async fn the_next_key_can_be_given() {
    let receiver = Receiver::start(Answer::Status(200)).await;
    let mut flow = Flow::start().await;
    let own = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let given = json!({ "primary_url": receiver.url(), "next_signing_key": own });
    assert_eq!(change(&mut flow, given).await, Vec::<String>::new());
    let sent = webhook(&flow, &receiver).await;
    assert!(is_signed_with(&sent, KEY) && is_signed_with(&sent, own));
    // Neither is stored in plain text.
    for item in flow.world.dump().await {
        let text = format!("{item:?}");
        assert!(!text.contains(own) && !text.contains(KEY));
    }
}

#[tokio::test]
async fn without_a_key_a_webhook_is_sent_unsigned() {
    let receiver = Receiver::start(Answer::Status(200)).await;
    let world = tests::World::start().await;
    let own = json!({ "secret_keys": [{ "name": "server" }], "integrations": [
        { "unique_key": "open", "provider": "unauthenticated" },
    ] });
    let mut document = own;
    document["name"] = json!("bare");
    let report = world.provision(json!({ "environments": [document] })).await;
    let report = report.expect("a good document");
    let key = &report.secrets[0].secret;
    let token = world.send(tests::Call::create(key, &json!({ "tags": {} }))).await.token();
    // A session's own URL may not be a loopback address, so the test writes the event itself.
    let path = format!("/auth/unauthenticated/open?connect_session_token={token}");
    assert_eq!(world.send(tests::Call::new("POST", &path).json(&json!({}))).await.status, 200);
    let environment = world.environment_id().await;
    let event = session::event::Event {
        id: session::event::EventId::generate(world.now).expect("random bytes"),
        url: receiver.url(),
        body: "{}".to_owned(),
        created_at: world.now,
    };
    world.app.tables.put_events(environment, vec![event]).await.expect("an answer");
    world.deliver().await;
    let [sent] = receiver.take().try_into().expect("one webhook");
    assert_eq!(sent.header("webhook-signature"), None);
    assert_eq!(sent.header("x-nango-hmac-sha256"), None);
    assert!(sent.header("webhook-id").is_some());
}
