//! The local inbox: it shows webhooks and whether their signatures are valid, and answers as set.

use jiff::Timestamp;
use serde_json::json;
use tables::events::Status;
use tests::Flow;
use tokio::net::TcpListener;

/// The verifier of Standard Webhooks reads the system's clock, so the webhooks must be new.
#[expect(clippy::disallowed_methods, reason = "a library that is tested here reads the clock")]
fn clock() -> Timestamp {
    Timestamp::now()
}

/// A flow whose webhooks go to an inbox, and the inbox's address.
async fn flow_with_inbox() -> (Flow, String) {
    let mut flow = Flow::start().await;
    flow.world.set_time(clock());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let routes = local::inbox::routes(flow.world.connect, clock);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let webhooks = json!({ "primary_url": format!("{url}{}", local::inbox::PATH) });
    flow.world.change_environment(json!({ "webhooks": webhooks })).await;
    (flow, url)
}

async fn page(url: &str) -> String {
    let page = reqwest::get(format!("{url}{}", local::inbox::PATH)).await.expect("an answer");
    page.text().await.expect("a page")
}

async fn connect(flow: &Flow, tag: &str) -> Status {
    let token = flow.world.mint(json!({ "tags": { "note": tag } })).await;
    flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    flow.world.deliver().await;
    let [event] = flow.world.events().await.try_into().expect("one event");
    flow.world.take_events().await;
    event.delivery.status
}

#[tokio::test]
async fn it_shows_what_arrived_with_its_signature_and_escapes_it() {
    let (flow, url) = flow_with_inbox().await;
    assert!(page(&url).await.contains("None has arrived yet"));
    assert_eq!(connect(&flow, "<script>alert(1)</script>").await, Status::Delivered);
    let page = page(&url).await;
    assert!(page.contains("good: X-Nango-Hmac-Sha256 and webhook-signature"), "{page}");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("Answered: 200") && page.contains("webhook-id: "), "{page}");
    assert!(page.contains(r#"<html lang="en">"#));

    // An unsigned webhook is marked as such.
    let forged = json!({ "environment": "dev", "type": "auth" }).to_string();
    let sent = reqwest::Client::new().post(format!("{url}{}", local::inbox::PATH)).body(forged);
    assert_eq!(sent.send().await.expect("an answer").status(), 200);
    assert!(self::page(&url).await.contains("Signature: not good"));
}

#[tokio::test]
async fn it_answers_as_it_is_told() {
    let (flow, url) = flow_with_inbox().await;
    let client = reqwest::Client::new();
    for (answer, status) in
        [("500", Status::Pending), ("410", Status::Failed), ("200", Status::Delivered)]
    {
        let chosen =
            client.post(format!("{url}/local/inbox/answer")).body(format!("answer={answer}"));
        let page = chosen.send().await.expect("an answer").text().await.expect("a page");
        assert!(page.contains(&format!("value=\"{answer}\" checked")), "{page}");
        assert_eq!(connect(&flow, "x").await, status, "{answer}");
    }
    let unknown = client.post(format!("{url}/local/inbox/answer")).body("answer=teapot");
    assert_eq!(unknown.send().await.expect("an answer").status(), 400);
}
