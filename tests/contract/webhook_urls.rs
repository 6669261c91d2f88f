//! Webhook URLs: contract section 1.4.

use serde_json::{Value, json};
use session::token::SessionToken;
use tests::World;

async fn stored(world: &World, body: Value) -> Option<String> {
    let token = world.mint(body).await;
    let hash = SessionToken::parse(&token).expect("a token").hash();
    world.app.tables.session(&hash).await.expect("an answer").expect("one").webhook_url_override
}

// R5
#[tokio::test]
async fn a_url_is_stored_as_the_url_standard_writes_it() {
    let world = World::start().await;
    for (sent, kept) in [
        ("", None),
        ("https://Example.COM", Some("https://example.com")),
        ("https://example.com/", Some("https://example.com/")),
        (" https://example.com/a b ", Some("https://example.com/a%20b")),
        ("HTTPS://example.com:443/x?y=z#f", Some("https://example.com/x?y=z#f")),
        ("https://b\u{fc}cher.example/", Some("https://xn--bcher-kva.example/")),
        ("https://example.com/a/../b", Some("https://example.com/b")),
        ("http://a.localhost/x", Some("http://a.localhost/x")),
        ("http://[2606:4700::1]/", Some("http://[2606:4700::1]/")),
        ("http://[64:ff9b::808:808]/", Some("http://[64:ff9b::808:808]/")),
        ("http://172.32.0.1/", Some("http://172.32.0.1/")),
        ("http://100.128.0.1/", Some("http://100.128.0.1/")),
        ("https://@example.com/", Some("https://example.com/")),
        ("https://example.com/a@b", Some("https://example.com/a@b")),
        ("http://nango.dev.example.com/", Some("http://nango.dev.example.com/")),
    ] {
        let body = json!({ "tags": {}, "webhook_url_override": sent });
        assert_eq!(stored(&world, body).await.as_deref(), kept, "{sent}");
    }
}

// D47
#[tokio::test]
async fn a_url_that_must_not_be_reached_is_refused_in_every_spelling() {
    let world = World::start().await;
    let nango = ("custom", "Webhook URLs cannot point to Nango's domain (nango.dev).");
    let denied = ("custom", "This webhook URL is not allowed.");
    let malformed = ("invalid_union", "Invalid input");
    let long = format!("https://example.com/{}", "\u{e9}".repeat(20_000));
    for (url, (code, message)) in [
        (json!("https://nango.dev"), nango),
        (json!("https://API.Nango.Dev..:8443/x"), nango),
        (json!("foo://NANGO.DEV/"), nango),
        (json!("ftp://example.com/"), denied),
        (json!("http://127.0.0.1../"), denied),
        (json!("javascript:alert(1)"), denied),
        (json!("mailto:a@b.co"), denied),
        (json!("http://localhost/"), denied),
        (json!("http://LOCALHOST.:80/"), denied),
        (json!("http://metadata.google.internal/"), denied),
        (json!("http://127.0.0.1/"), denied),
        (json!("http://127.1/"), denied),
        (json!("http://2130706433/"), denied),
        (json!("http://0x7f.0.0.1/"), denied),
        (json!("http://0177.0.0.1/"), denied),
        (json!("http://127.0.0.1./"), denied),
        (json!("http://169.254.169.254/latest"), denied),
        (json!("http://172.16.0.1/"), denied),
        (json!("http://172.31.255.255/"), denied),
        (json!("http://100.127.255.255/"), denied),
        (json!("http://0.1.2.3/"), denied),
        (json!("http://[::]/"), denied),
        (json!("http://[::1]/"), denied),
        (json!("http://[fe80::1]/"), denied),
        (json!("http://[fd00::1]/"), denied),
        (json!("http://[2001:0:1::]/"), denied),
        (json!("http://[::ffff:10.0.0.1]/"), denied),
        (json!("http://[::10.0.0.1]/"), denied),
        (json!("http://[2002:a00:1::]/"), denied),
        (json!("http://[64:ff9b::a00:1]/"), denied),
        (json!("https://user:password@example.com/"), denied),
        (json!("https://user@example.com/"), denied),
        (json!("https://:password@example.com/"), denied),
        (json!(long), denied),
        (json!("example.com/x"), malformed),
        (json!("/x"), malformed),
        (json!("http://"), malformed),
        (json!("http://[::1"), malformed),
        (json!("http://1.2.3.256/"), malformed),
        (json!(7), malformed),
        (json!(null), malformed),
        (json!({}), malformed),
    ] {
        let issue = |message: &str, path: &[&str]| json!([{ "code": code, "message": message, "path": path }]);
        let body = json!({ "tags": {}, "webhook_url_override": url });
        world.create(body).await.assert_issues(&issue(message, &["webhook_url_override"]));

        let nested = json!({ "connection_config": { "webhook_url": url } });
        let body = json!({ "tags": {}, "integrations_config_defaults": { "github": nested } });
        let note = "connection_config.webhook_url is deprecated; use top-level \
                    webhook_url_override instead.";
        let path = ["integrations_config_defaults", "github", "connection_config", "webhook_url"];
        let told = issue(&format!("{message}. Note: {note}"), &path);
        world.create(body).await.assert_issues(&told);
    }
}

// R5
#[tokio::test]
async fn the_deprecated_field_counts_only_where_the_new_one_was_not_sent() {
    let world = World::start().await;
    let nested = |url: &str| json!({ "connection_config": { "webhook_url": url } });
    let defaults = json!({ "slack": nested(""), "github": nested("https://Old.example"),
                           "a": nested("https://older.example/") });
    let mut body = json!({ "tags": {}, "integrations_config_defaults": defaults });
    assert_eq!(stored(&world, body.clone()).await.as_deref(), Some("https://old.example"));
    body["webhook_url_override"] = json!("https://new.example/");
    assert_eq!(stored(&world, body.clone()).await.as_deref(), Some("https://new.example/"));
    body["webhook_url_override"] = json!("");
    assert_eq!(stored(&world, body).await, None);
}
