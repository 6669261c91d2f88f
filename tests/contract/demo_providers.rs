//! The demo providers of `cargo run`: the consent page, tokens, and the outcome of each provider.

use local::demo;
use local::providers::Providers;
use local::providers::catalogue::{self, API_KEY, CLIENT};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tests::World;
use tests::flow::connect;
use url::Url;
use url::form_urlencoded::Serializer;

const REDIRECT_URI: &str = "http://127.0.0.1:3003/oauth/callback";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The providers, and a browser that keeps no cookies and follows no redirects.
struct Demo {
    providers: Providers,
    client: reqwest::Client,
}

impl Demo {
    async fn start() -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let providers = Providers::start().await.expect("the providers");
        Self { providers, client: client.build().expect("a client") }
    }

    /// The consent page, asked for with one parameter changed.
    fn page(&self, provider: &str, change: (&str, &str)) -> String {
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", CLIENT.0),
            ("redirect_uri", REDIRECT_URI),
            ("state", "a state&<b>"),
            ("scope", "profile contacts:read"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| *name != change.0);
        parameters.push(change);
        let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{}/{provider}/authorize?{query}", self.providers.url())
    }

    async fn get(&self, url: &str) -> (u16, HeaderMap, String) {
        let answer = self.client.get(url).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.expect("text"))
    }

    async fn decide(&self, url: &str, decision: &str) -> (u16, HeaderMap, String) {
        let body = format!("decision={decision}");
        let answer = self.client.post(url).body(body).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.expect("text"))
    }

    /// Consents, and returns the code.
    async fn code(&self, provider: &str) -> String {
        let page = self.page(provider, ("", ""));
        let (status, headers, _) = self.decide(&page, "allow").await;
        assert_eq!(status, 303);
        let back = Url::parse(headers["location"].to_str().expect("text")).expect("a URL");
        assert!(back.as_str().starts_with(REDIRECT_URI));
        let value = |name: &str| {
            let found = back.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).expect(name)
        };
        assert_eq!(value("state"), "a state&<b>");
        value("code")
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let client = [("client_id", CLIENT.0), ("client_secret", CLIENT.1)];
        let body = Serializer::new(String::new()).extend_pairs(form).extend_pairs(client).finish();
        let url = format!("{}{path}", self.providers.url());
        let answer = self.client.post(url).body(body).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("text");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn redeem(&self, provider: &str, code: &str, verifier: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", verifier),
        ];
        self.post(&format!("/{provider}/token"), &form).await
    }

    async fn tokens(&self, provider: &str) -> Value {
        let (status, tokens) = self.redeem(provider, &self.code(provider).await, VERIFIER).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refresh(&self, provider: &str, token: &Value) -> (u16, Value) {
        let token = token.as_str().expect("a refresh token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post(&format!("/{provider}/token"), &form).await
    }

    async fn me(&self, provider: &str, token: &str) -> u16 {
        let url = format!("{}/{provider}/me", self.providers.url());
        let answer = self.client.get(url).bearer_auth(token).send().await.expect("an answer");
        answer.status().as_u16()
    }
}

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_shows_no_html_of_the_query() {
    let demo = Demo::start().await;
    let page = demo.page("demo-oauth", ("scope", "<script>alert(1)</script>"));
    let (status, headers, html) = demo.get(&page).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    for part in ["<html lang=\"en\">", "<h1>Demo OAuth</h1>", "127.0.0.1", ">Allow<", ">Deny<"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("<script>"), "{html}");
    assert!(html.contains("&lt;script&gt;"), "{html}");
    // A form-action would apply to the redirect back too.
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(!policy.contains("form-action"), "{policy}");
    assert!(!headers.contains_key("cross-origin-opener-policy"));
}

#[tokio::test]
async fn a_user_who_allows_it_is_sent_back_with_a_code_and_one_who_does_not_with_an_error() {
    let demo = Demo::start().await;
    let page = demo.page("demo-oauth", ("", ""));
    let (status, headers, _) = demo.decide(&page, "deny").await;
    let location = headers["location"].to_str().expect("text");
    assert_eq!(status, 303);
    assert!(location.starts_with(&format!("{REDIRECT_URI}?error=access_denied&")), "{location}");
    assert!(location.ends_with("&state=a+state%26%3Cb%3E"), "{location}");

    let tokens = demo.tokens("demo-oauth").await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3_600);
    assert_eq!(tokens["scope"], "profile contacts:read");
    assert_eq!(demo.me("demo-oauth", tokens["access_token"].as_str().expect("a token")).await, 200);
    assert_eq!(demo.me("demo-oauth", "demo-access-x").await, 401);
}

#[tokio::test]
async fn nobody_is_sent_to_a_place_that_no_client_named() {
    let demo = Demo::start().await;
    for change in [
        ("client_id", "somebody"),
        ("redirect_uri", ""),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", "/oauth/callback"),
    ] {
        let page = demo.page("demo-oauth", change);
        assert_eq!(demo.get(&page).await.0, 400, "{change:?}");
        let (status, headers, _) = demo.decide(&page, "allow").await;
        assert_eq!((status, headers.contains_key("location")), (400, false), "{change:?}");
    }
    assert_eq!(demo.get(&demo.page("demo-nothing", ("", ""))).await.0, 400);
}

#[tokio::test]
async fn a_code_is_good_once_and_with_its_verifier_only() {
    let demo = Demo::start().await;
    let code = demo.code("demo-oauth").await;
    let refused = (400, json!("invalid_grant"));
    let error = |(status, body): (u16, Value)| (status, body["error"].clone());
    assert_eq!(error(demo.redeem("demo-oauth", &code, "wrong").await), refused);
    // It is used up.
    assert_eq!(error(demo.redeem("demo-oauth", &code, VERIFIER).await), refused);
    let code = demo.code("demo-oauth").await;
    assert_eq!(demo.redeem("demo-oauth", &code, VERIFIER).await.0, 200);
    assert_eq!(error(demo.redeem("demo-oauth", &code, VERIFIER).await), refused);
}

#[tokio::test]
async fn each_outcome_is_as_its_name_says() {
    let demo = Demo::start().await;
    let code = demo.code("demo-oauth-refuses").await;
    let (status, body) = demo.redeem("demo-oauth-refuses", &code, VERIFIER).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    let code = demo.code("demo-oauth-status-200").await;
    let answer = demo.redeem("demo-oauth-status-200", &code, VERIFIER).await;
    assert_eq!(answer, (200, json!({ "ok": false, "error": "invalid_code" })));

    let (_, headers, _) = demo.get(&demo.page("demo-oauth-coop", ("", ""))).await;
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    demo.tokens("demo-oauth-coop").await;

    let page = demo.page("demo-oauth-form-post", ("response_mode", "form_post"));
    let (status, headers, html) = demo.decide(&page, "allow").await;
    assert_eq!((status, headers.contains_key("location")), (200, false));
    assert!(html.contains(&format!("<form method=\"post\" action=\"{REDIRECT_URI}\">")), "{html}");
    assert!(html.contains("name=\"state\" value=\"a state&amp;&lt;b&gt;\""), "{html}");
    assert!(html.contains("name=\"code\" value=\"demo-code-"), "{html}");
}

#[tokio::test]
async fn a_rotating_refresh_token_works_once_and_its_reuse_ends_the_grant() {
    let demo = Demo::start().await;
    let name = "demo-oauth-rotates";
    let first = demo.tokens(name).await;
    assert_eq!(first["expires_in"], 60);
    let (status, second) = demo.refresh(name, &first["refresh_token"]).await;
    assert_eq!(status, 200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let access = second["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(demo.me(name, &access).await, 200);
    assert_eq!(demo.refresh(name, &first["refresh_token"]).await.0, 400);
    assert_eq!(demo.refresh(name, &second["refresh_token"]).await.0, 400);
    assert_eq!(demo.me(name, &access).await, 401);

    // Other grants remain, and the tokens of an earlier start still work.
    let tokens = demo.tokens("demo-oauth").await;
    let later = Demo::start().await;
    let (_, again) = later.refresh("demo-oauth", &tokens["refresh_token"]).await;
    assert_eq!(again["refresh_token"], tokens["refresh_token"]);
    let third = demo.tokens(name).await;
    assert_eq!(later.refresh(name, &third["refresh_token"]).await.0, 200);
}

#[tokio::test]
async fn a_revoked_grant_opens_nothing_and_a_stranger_gets_nothing() {
    let demo = Demo::start().await;
    for token in ["access_token", "refresh_token"] {
        let tokens = demo.tokens("demo-oauth").await;
        let form = [("token", tokens[token].as_str().expect("a token"))];
        assert_eq!(demo.post("/demo-oauth/revoke", &form).await.0, 200);
        let access = tokens["access_token"].as_str().expect("a token");
        assert_eq!(demo.me("demo-oauth", access).await, 401);
        assert_eq!(demo.refresh("demo-oauth", &tokens["refresh_token"]).await.0, 400);
    }
    for path in ["token", "revoke"] {
        let url = format!("{}/demo-oauth/{path}", demo.providers.url());
        let stranger = demo.client.post(url).basic_auth("somebody", Some("demo-secret"));
        assert_eq!(stranger.send().await.expect("an answer").status().as_u16(), 401);
    }
}

#[tokio::test]
async fn every_start_adds_them_to_the_document_that_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("demo-environment.json");
    // As the first versions wrote it, with an integration that somebody added.
    let secret = "3f6d0a5e-8b1c-4c57-9d0e-6a2f4b7c1e90";
    let kept = json!({ "environments": [ {
        "name": "demo",
        "secret_keys": [ { "name": "server", "secret": secret } ],
        "integrations": [ { "unique_key": "mine", "provider": "github" } ],
        "connections": [ { "connection_id": "demo-connection", "integration_id": "mine" } ],
    } ] });
    std::fs::write(&file, kept.to_string()).expect("a file");
    let world = World::empty(|_| None).await;
    for _ in 0..2 {
        let providers = Providers::start().await.expect("the providers");
        let mut document = demo::document(Some(&file)).expect("the document");
        providers.add_to(&mut document);
        providers.add_to(&mut document);
        let environment = &document["environments"][0];
        assert_eq!(environment["secret_keys"], kept["environments"][0]["secret_keys"]);
        let own = catalogue::providers(&providers.url());
        assert_eq!(environment["providers"].as_array(), Some(&own));
        let integrations = environment["integrations"].as_array().expect("a list");
        assert_eq!(integrations.len(), own.len() + 1);
        assert!(integrations.iter().any(|integration| integration["unique_key"] == "mine"));
        assert_eq!(world.provision(document).await.expect("a good document").secrets, []);
    }
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), kept.to_string());
}

#[tokio::test]
async fn an_api_key_is_checked() {
    let demo = Demo::start().await;
    let mut world = World::empty(|_| None).await;
    let mut document = demo::document(None).expect("a document");
    demo.providers.add_to(&mut document);
    let secret = &document["environments"][0]["secret_keys"][0]["secret"];
    secret.as_str().expect("a key").clone_into(&mut world.secret_key);
    world.provision(document).await.expect("a good document");
    let token = world.mint(json!({ "end_user": { "id": "u1" } })).await;
    for (key, status) in [(API_KEY, 200), ("another", 400)] {
        let call =
            connect("/api-auth/api-key/demo-api-key", &token).json(&json!({ "apiKey": key }));
        let reply = world.send(call).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
}
