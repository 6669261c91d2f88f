//! `GET /oauth/callback`: which requests end a flow, and which are refused.

use serde_json::json;
use tests::oauth::told;
use tests::{Call, Fault, Flow};

#[tokio::test]
async fn a_user_who_refuses_is_told_so_in_words() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let query = "error=access_denied&error_description=No%20%3Cb%3Ethanks";
    let page = flow.world.send(started.callback(query)).await;
    let said = r#"{"error":"access_denied","error_description":"No <b>thanks"}"#;
    assert_eq!((page.status, told(&page).as_deref()), (400, Some(said)));
    assert!(page.body.contains("Access was not granted"));
    assert!(!page.body.contains("<b>"), "{page:?}");
    assert_eq!(flow.outcomes(&token).await[0]["error"], "callback_err");
    assert_eq!(flow.provider.calls().len(), 0);
}

// D25
#[tokio::test]
async fn an_error_beside_a_code_wins() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let page = flow.world.send(started.callback("code=c&error=server_error")).await;
    assert_eq!((page.status, told(&page).as_deref()), (400, Some(r#"{"error":"server_error"}"#)));
    let started = flow.start_oauth("oauth", &token).await;
    let page = flow.world.send(started.callback("code=c&error=a&error=b")).await;
    assert_eq!(page.status, 400);
    assert_eq!((flow.provider.calls().len(), flow.connections().await.len()), (0, 0));
}

#[tokio::test]
async fn a_callback_without_a_code_says_so() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let page = flow.world.send(started.callback("code=")).await;
    let text = "Did not get authorization code in the callback.";
    assert_eq!((page.status, told(&page).as_deref()), (400, Some(text)));
}

#[tokio::test]
async fn callbacks_without_a_flow() {
    let flow = Flow::start().await;
    let unknown = "A".repeat(43);
    let session = format!("No session found for state: \"{unknown}\"");
    for (query, expected) in [
        ("", "No state found in callback"),
        ("state=", "No state found in callback"),
        ("code=c", "No state found in callback"),
        ("state=nonsense", "invalid_oauth_state"),
        ("state=a&state=b", "invalid_oauth_state"),
        (&format!("state={unknown}&code=c"), &session),
        (&format!("payload={unknown}"), &session),
        (&format!("customField={unknown}"), &session),
    ] {
        let call = Call::new("GET", &format!("/oauth/callback?{query}"));
        let page = flow.world.send(call).await;
        assert_eq!((page.status, told(&page).as_deref()), (400, Some(expected)), "{query}");
    }
}

#[tokio::test]
async fn the_state_may_stand_in_another_parameter() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for name in ["payload", "customField"] {
        let started = flow.start_oauth("oauth", &token).await;
        let path = format!("/oauth/callback?{name}={}&code=c", started.state());
        let call = Call::new("GET", &path).header("cookie", &started.cookie);
        assert_eq!(flow.world.send(call).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn providers_that_answer_with_a_form_are_sent_on_to_get() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    // A browser sends no cookie with this one.
    let post = Call::new("POST", "/oauth/callback")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("state={}&code=c%2F1", started.state()));
    let reply = flow.world.send(post).await;
    assert_eq!(reply.status, 303);
    let location = reply.header("location").expect("a location");
    let path = location.strip_prefix("http://api.example.test").expect("this API");
    let page = flow.world.send(Call::new("GET", path).header("cookie", &started.cookie)).await;
    assert_eq!(page.status, 200);
    assert_eq!(flow.provider.calls().remove(0).parameters()["code"], "c/1");
}

#[tokio::test]
async fn a_browser_that_looks_ahead_uses_nothing_up() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let ahead = started.callback("code=c").header("sec-purpose", "prefetch;prerender");
    let reply = flow.world.send(ahead).await;
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    assert_eq!(flow.provider.calls().len(), 0);
    assert_eq!(flow.world.send(started.callback("code=c")).await.status, 200);
}

#[tokio::test]
async fn two_popups_do_not_disturb_each_other() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let (one, two) =
        (flow.start_oauth("oauth", &token).await, flow.start_oauth("oauth", &token).await);
    let both = format!("{}; {}", one.cookie, two.cookie);
    for started in [&two, &one] {
        let call = started.foreign_callback("code=c").header("cookie", &both);
        assert_eq!(flow.world.send(call).await.status, 200);
    }
    assert_eq!(flow.connections().await.len(), 2);
}

#[tokio::test]
async fn a_store_that_fails_answers_a_page_that_says_so() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    flow.world.wire.fail([Fault::Failed; 20]);
    let page = flow.world.send(started.callback("code=c")).await;
    flow.world.wire.fail([]);
    assert_eq!(page.status, 503);
    assert!(page.body.contains("Something went wrong on our side"));
    assert_eq!(page.header("retry-after"), Some("1"));
    assert_eq!(flow.provider.calls().len(), 0);
}
