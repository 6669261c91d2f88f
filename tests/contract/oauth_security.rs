//! Attacks on the authorization code flow (RFC 9700, RFC 6819, OWASP ASVS 5.0 chapter 10). Each
//! line of the table in `docs/security.md` names its test here.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::json;
use tests::oauth::told;
use tests::{Call, Flow};

// D24
#[tokio::test]
async fn a_replayed_state_exchanges_nothing_and_shows_the_first_outcome() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let (won, lost) =
        (flow.start_oauth("oauth", &token).await, flow.start_oauth("oauth", &token).await);
    for _ in 0..2 {
        let page = flow.world.send(won.callback("code=c")).await;
        assert_eq!((page.status, told(&page)), (200, None));
    }
    assert_eq!((flow.provider.calls().len(), flow.connections().await.len()), (1, 1));

    // Whatever the second callback contains, its page shows the outcome of the first.
    let denied = Some(r#"{"error":"access_denied"}"#.to_owned());
    for query in ["error=access_denied", "code=c"] {
        let page = flow.world.send(lost.callback(query)).await;
        assert_eq!((page.status, told(&page)), (400, denied.clone()));
    }
    assert_eq!(flow.provider.calls().len(), 0);

    // Without the cookie, the page does not show how the flow ended.
    let page = flow.world.send(won.foreign_callback("code=c")).await;
    assert_eq!(page.status, 400);
    assert!(told(&page).is_some_and(|told| told.starts_with("OAuth state cookie missing.")));
}

#[tokio::test]
async fn callbacks_at_the_same_time_exchange_once() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let callback = || flow.world.send(started.callback("code=c"));
    let pages = tokio::join!(callback(), callback(), callback());
    for page in [pages.0, pages.1, pages.2] {
        assert_eq!((page.status, told(&page)), (200, None));
    }
    assert_eq!((flow.provider.calls().len(), flow.connections().await.len()), (1, 1));
}

// D24
#[tokio::test]
async fn a_callback_without_the_cookie_is_refused_and_does_not_end_the_flow() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let wrong = format!("oauth2-{}={}", started.state(), "A".repeat(43));
    let recorded = format!("oauth2-{}=1", started.state());
    let bare = started.foreign_callback("code=c");
    for call in
        [bare.clone(), bare.clone().header("cookie", &wrong), bare.header("cookie", &recorded)]
    {
        let page = flow.world.send(call).await;
        assert_eq!(page.status, 400);
        assert!(told(&page).is_some_and(|told| told.starts_with("OAuth state cookie missing.")));
        assert!(page.body.contains("This browser did not start the connection"));
    }
    assert_eq!(flow.provider.calls().len(), 0);
    // So knowing a state alone, as a log or a scanner may, is not enough to end the flow.
    assert_eq!(flow.world.send(started.callback("code=c")).await.status, 200);
}

#[tokio::test]
async fn a_state_of_another_browser_is_refused() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let (mine, foreign) =
        (flow.start_oauth("oauth", &token).await, flow.start_oauth("oauth", &token).await);
    // The attacker's state, the victim's cookie: of its own flow, or under the other's name.
    let value = mine.cookie.split_once('=').expect("a value").1;
    for cookie in [mine.cookie.clone(), format!("oauth2-{}={value}", foreign.state())] {
        let call = foreign.foreign_callback("code=attacker").header("cookie", &cookie);
        assert_eq!(flow.world.send(call).await.status, 400);
    }
    assert_eq!((flow.provider.calls().len(), flow.connections().await.len()), (0, 0));
}

#[tokio::test]
async fn an_injected_code_meets_the_verifier_of_the_flow_that_it_is_injected_into() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    assert_eq!(started.parameter("code_challenge_method").as_deref(), Some("S256"));
    flow.world.send(started.callback("code=stolen")).await;
    let sent = flow.provider.calls().remove(0).parameters();
    let verifier = sent["code_verifier"].as_str().expect("a verifier");
    assert_eq!(verifier.len(), 43);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    // The provider compares this with the challenge that the code was issued for.
    assert_eq!(started.parameter("code_challenge"), Some(challenge));
}

// D31
#[tokio::test]
async fn pkce_cannot_be_taken_out_or_replaced_and_nor_can_what_binds_the_answer_to_the_flow() {
    let flow = Flow::start().await;
    let names = [
        "code_challenge",
        "code_challenge_method",
        "state",
        "redirect_uri",
        "response_type",
        "client_id",
        "request",
        "request_uri",
    ];
    let params: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!("plain"))).collect();
    let defaults = json!({ "oauth": { "authorization_params": params } });
    let body = json!({ "tags": {}, "integrations_config_defaults": defaults });
    let by_session = flow.world.mint(body).await;
    let plain = flow.world.mint(json!({ "tags": {} })).await;
    let query = |value: &str| {
        let pairs = names.map(|name| format!("authorization_params[{name}]={value}"));
        format!("oauth?{}", pairs.join("&"))
    };
    for (integration, token) in
        [("oauth".to_owned(), &by_session), (query("plain"), &plain), (query("undefined"), &plain)]
    {
        let started = flow.start_oauth(&integration, token).await;
        assert_eq!(started.parameter("code_challenge").map(|text| text.len()), Some(43));
        assert_eq!(started.state().len(), 43);
        for (name, value) in [
            ("code_challenge_method", Some("S256")),
            ("redirect_uri", Some("http://api.example.test/oauth/callback")),
            ("response_type", Some("code")),
            ("client_id", Some("fake-client-id")),
            ("request", None),
            ("request_uri", None),
        ] {
            assert_eq!(started.parameter(name).as_deref(), value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_mixed_up_issuer_is_refused_before_the_code_is_sent_anywhere() {
    let mut flow = Flow::start().await;
    let url = format!("http://{}", flow.provider.address);
    let issuer = "https://id.acme.test";
    flow.add_oauth_provider("acme", &url, &json!({ "issuer": issuer })).await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for query in ["code=c&iss=https%3A%2F%2Fevil.test", "code=c", "code=c&iss="] {
        let started = flow.start_oauth("acme", &token).await;
        let page = flow.world.send(started.callback(query)).await;
        assert_eq!(page.status, 400);
        assert!(page.body.contains("The answer came from another provider"));
    }
    assert_eq!(flow.provider.calls().len(), 0);
    let started = flow.start_oauth("acme", &token).await;
    let page = flow.world.send(started.callback(&format!("code=c&iss={issuer}"))).await;
    assert_eq!(page.status, 200, "{page:?}");
}

#[tokio::test]
async fn a_redirect_leads_to_the_provider_to_this_api_or_back() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth?redirect_uri=https://evil.test&next=//evil.test", &token);
    let started = started.await;
    assert_eq!(started.location.port(), Some(flow.provider.address.port()));
    // A value in the URL cannot change the rest of the URL.
    for subdomain in ["..", "evil.test%2F", "%2F%2Fevil.test", "%40evil.test", "a%3Fb%23c"] {
        let reply = flow
            .start_reply(
                &format!("oauth-tpl?params[subdomain]={subdomain}&params[tenant]=t"),
                &token,
            )
            .await;
        if reply.status == 302 {
            let location = tests::Started::of(&reply).location;
            assert_eq!(location.port(), Some(flow.provider.address.port()));
            assert_eq!(location.path_segments().map(Iterator::count), Some(2), "{location}");
        }
    }
    // Installing a GitHub App redirects back, to a web page only.
    let install = Call::new("GET", "/oauth/callback?installation_id=5&setup_action=install");
    for (referer, location) in [
        (None, "https://github.com"),
        (Some("https://example.com/x"), "https://example.com/x"),
        (Some("javascript:alert(1)"), "https://github.com"),
        (Some("data:text/html,x"), "https://github.com"),
        (Some("//evil.test"), "https://github.com"),
    ] {
        let call =
            referer.map_or_else(|| install.clone(), |text| install.clone().header("referer", text));
        let reply = flow.world.send(call).await;
        assert_eq!((reply.status, reply.header("location")), (302, Some(location)), "{referer:?}");
    }
}

#[tokio::test]
async fn no_secret_of_a_flow_is_in_a_table_an_address_or_a_page() {
    let flow = Flow::start().await;
    let own = json!({ "connection_config": {
        "oauth_client_secret_override": "session-secret", "oauth_refresh_token_override": "session-rt",
    } });
    let body = json!({ "tags": {}, "integrations_config_defaults": { "oauth": own } });
    let token = flow.world.mint(body).await;
    let started = flow.start_oauth("oauth", &token).await;
    let before = format!("{:?}", flow.world.dump().await);
    let page = flow.world.send(started.callback("code=secret-code")).await;
    assert_eq!(page.status, 200);
    let sent = flow.provider.calls().remove(0);
    let verifier = sent.parameters()["code_verifier"].as_str().expect("a verifier").to_owned();
    assert_eq!(sent.path, "/token");
    let dump = format!("{before}{:?}", flow.world.dump().await);
    let cookie = started.cookie.split_once('=').expect("a value").1;
    for secret in [
        verifier.as_str(),
        cookie,
        &started.state(),
        "secret-code",
        "at-secret-code",
        "rt-secret-code",
        "session-secret",
        "session-rt",
        "fake-client-secret",
        token.as_str(),
    ] {
        assert!(!dump.contains(secret), "{secret}");
        let bytes: Vec<_> = secret.bytes().map(|byte| byte.to_string()).collect();
        let bytes = bytes.join(", ");
        assert!(!dump.contains(&bytes), "{secret}, as bytes");
        assert!(!page.body.contains(secret), "{secret}");
        if secret != started.state() {
            assert!(!started.location.as_str().contains(secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_quotes_the_request_shows_no_secret_of_it() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let page = flow.consent("oauth", &token, "quote-this-code").await;
    assert_eq!(page.status, 400);
    let sent = flow.provider.calls().remove(0).parameters();
    assert!(page.body.contains("extra_token_param"), "{page:?}");
    for secret in ["code", "code_verifier", "client_secret"] {
        let secret = sent[secret].as_str().expect("a text");
        assert!(!page.body.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_page_cannot_be_framed_tells_no_referrer_is_not_kept_and_keeps_its_opener() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_reply("oauth", &token).await;
    // The URL of a start contains the session token.
    assert_eq!(started.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(started.header("cache-control"), Some("no-store"));
    let ended = flow.consent("oauth", &token, "c").await;
    let refused = flow.start_reply("nope", &token).await;
    for page in [ended, refused] {
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("cross-origin-opener-policy"), None);
        let policy = page.header("content-security-policy").expect("a policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        for element in ["script", "style"] {
            let (_, rest) = page.body.split_once(&format!("<{element}>")).expect("an element");
            let (text, rest) = rest.split_once(&format!("</{element}>")).expect("its end");
            let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
            assert!(policy.contains(&format!("{element}-src 'sha256-{hash}'")), "{element}");
            assert!(!rest.contains(&format!("<{element}")), "one {element}");
        }
    }
}

#[tokio::test]
async fn what_a_provider_says_is_text_on_the_page() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let started = flow.start_oauth("oauth", &token).await;
    let markup = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\u{2028}";
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("error", markup).finish();
    let page = flow.world.send(started.callback(&query)).await;
    assert_eq!(told(&page), Some(json!({ "error": markup }).to_string()));
    assert_eq!(page.body.matches("<script").count(), 1);
    assert!(!page.body.contains("<img"));
}

#[tokio::test]
async fn a_cookie_is_for_this_flow_only_and_for_no_script() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let reply = flow.start_reply("oauth", &token).await;
    let cookie = reply.header("set-cookie").expect("a cookie").to_owned();
    let started = tests::Started::of(&reply);
    let start = format!("oauth2-{}=", started.state());
    let rest = cookie.strip_prefix(&start).expect("a cookie of its state");
    let expected = "; Max-Age=3600; Path=/; Expires=Sun, 22 Nov 2026 13:38:27 GMT; HttpOnly; \
                    SameSite=Lax";
    assert_eq!(rest.get(43..), Some(expected));
}
