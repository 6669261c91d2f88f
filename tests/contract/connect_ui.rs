//! The Connect UI's page and its files. What they do in a browser is tested in `tests/browser`.

use regex_lite::Regex;
use serde_json::json;
use tests::{Call, Reply, World};

async fn page(world: &World, query: &str, accepted: &str) -> Reply {
    let call = Call::new("GET", &format!("/connect-ui/{query}"));
    world.send(call.header("accept-language", accepted)).await
}

#[tokio::test]
async fn the_link_opens_the_page_of_this_api_unless_the_operator_has_another() {
    let world = World::with(|name| (name == "CONNECT_UI_URL").then_some("")).await;
    let reply = world.create(json!({ "tags": {} })).await;
    let link = format!("http://api.example.test/connect-ui/?session_token={}", reply.token());
    assert_eq!(reply.json()["data"]["connect_link"], json!(link));
    let path = link.trim_start_matches("http://api.example.test");
    assert_eq!(world.send(Call::new("GET", path)).await.status, 200);
}

#[tokio::test]
async fn the_document_is_not_kept_and_allows_nothing_but_itself() {
    let world = World::with(|name| {
        (name == "WEBSOCKETS_PATH").then_some("//abc.execute-api.eu-west-1.amazonaws.com/live")
    })
    .await;
    let reply = page(&world, "", "en").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
                  connect-src 'self' wss://abc.execute-api.eu-west-1.amazonaws.com; \
                  base-uri 'none'; form-action 'none'; frame-ancestors *";
    assert_eq!(reply.header("content-security-policy"), Some(policy));
    // Pages of other sites frame it, and their popups are its own.
    for name in ["x-frame-options", "cross-origin-opener-policy", "set-cookie"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    // The one script without an address is data.
    let scripts = Regex::new("<script [^>]*>").expect("a pattern");
    for script in scripts.find_iter(&reply.body) {
        let script = script.as_str();
        assert!(script.contains(" src=") || script.contains("application/json"), "{script}");
    }
    assert!(!reply.body.contains("style="));
}

#[tokio::test]
async fn the_language_is_that_of_the_address_then_that_of_the_browser() {
    let world = World::start().await;
    for (query, accepted, language) in [
        ("", "", "en"),
        ("", "fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("", "pt-BR, es;q=0.5, de;q=0.7", "de"),
        ("", "nl, fr;q=0", "en"),
        ("?lang=ja", "fr", "ja"),
        ("?lang=de-AT", "fr", "de"),
        ("?lang=xx", "fr", "fr"),
        ("?lang=xx", "", "en"),
        ("?lang[]=de", "%,;;q=x,*", "en"),
    ] {
        let reply = page(&world, query, accepted).await;
        let start = format!("<html lang=\"{language}\" dir=\"ltr\">");
        assert!(reply.body.contains(&start), "{query} {accepted}: {}", &reply.body[..80]);
    }
}

#[tokio::test]
async fn script_and_style_are_kept_for_ever_under_the_version_of_their_content() {
    let world = World::start().await;
    let document = page(&world, "", "en").await.body;
    let parts = Regex::new("\"([0-9a-f]{16})/(app.js|style.css)\"").expect("a pattern");
    let mut count = 0;
    for part in parts.captures_iter(&document) {
        let (version, name) = (&part[1], &part[2]);
        let get = async |path: String| world.send(Call::new("GET", &path)).await;
        let ours = get(format!("/connect-ui/{version}/{name}")).await;
        assert_eq!(ours.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(!ours.body.is_empty());
        // During a deployment the function before, or the one after, may be asked.
        let other = get(format!("/connect-ui/0000000000000000/{name}")).await;
        assert_eq!((other.status, other.header("cache-control")), (200, Some("no-store")));
        assert_eq!(get(format!("/connect-ui/{version}/{name}.map")).await.status, 404);
        count += 1;
    }
    assert_eq!(count, 2);
}

#[tokio::test]
async fn what_can_be_compressed_is() {
    let world = World::start().await;
    let address = world.serve().await;
    let client = reqwest::Client::new();
    for (accepted, coding) in [("gzip, br", Some("gzip")), ("br", None)] {
        let url = format!("http://{address}/connect-ui/");
        let answer = client.get(url).header("accept-encoding", accepted).send().await;
        let answer = answer.expect("an answer");
        let found = answer.headers().get("content-encoding").map(|v| v.to_str().expect("text"));
        assert_eq!(found, coding);
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        let start = answer.bytes().await.expect("a body")[..2].to_vec();
        assert_eq!(start == [0x1f, 0x8b], coding.is_some());
    }
}

#[tokio::test]
async fn logos_are_where_the_api_says_one_by_one_or_together() {
    let world = World::start().await;
    let reply = world.send(Call::new("GET", "/providers/github").bearer(&world.secret_key)).await;
    let reply = reply.json();
    let url = reply["data"]["logo_url"].as_str().expect("an address");
    let path = url.trim_start_matches("http://api.example.test");
    for (path, part) in [
        (path, "<path fill=\"#181717\""),
        ("/images/template-logos/acme.svg", ">A</text>"),
        ("/images/template-logos/%3Cscript%3E.svg", ">S</text>"),
        ("/images/template-logos/%E2%82%AC.svg", ">?</text>"),
    ] {
        let logo = world.send(Call::new("GET", path)).await;
        assert_eq!(logo.header("content-type"), Some("image/svg+xml"));
        assert_eq!(logo.header("cross-origin-resource-policy"), Some("cross-origin"));
        assert!(logo.body.contains(part) && !logo.body.contains("<script"), "{}", logo.body);
    }
    let logos = world.send(Call::new("GET", "/connect-ui/logos?of=github,acme,jira")).await.json();
    assert_eq!(logos.as_object().expect("an object").len(), 2);
    assert_eq!(logos["github"]["colour"], json!("#181717"));
}
