//! Webhook settings, the callback URL and an environment's own providers in its document.

use provision::Failure;
use serde_json::{Value, json};
use tests::World;

async fn described(world: &World) -> Value {
    let request = json!({ "describe": "dev" });
    let time = std::time::Duration::from_mins(5);
    let description = world.invoke_provision(request, time).await;
    description.expect("a description")["environments"][0].clone()
}

/// The issues of a change of environment `dev`, each as its path and message.
async fn issues(world: &World, mut change: Value) -> Vec<(String, String)> {
    change["name"] = json!("dev");
    match world.provision(json!({ "environments": [change] })).await {
        Err(Failure::Refused(issues)) => (issues.iter())
            .map(|issue| (issue.path[2..].join("."), issue.message.clone().into_owned()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn provider(name: &str) -> Value {
    json!({
        "name": name, "display_name": "Acme", "auth_mode": "OAUTH2",
        "authorization_url": "https://id.acme.test/authorize",
        "token_url": "https://id.acme.test/token", "scope_separator": " ",
        "authorization_params": {}, "token_params": {}, "disable_pkce": false,
        "token_request_auth_method": "basic", "credentials": {}, "connection_config": {},
        "proxy": { "base_url": "https://api.acme.test",
                   "verification": { "method": "GET", "endpoints": ["/me"], "headers": {} } },
    })
}

#[tokio::test]
async fn each_webhook_setting_is_kept_and_null_brings_its_default_back() {
    let mut world = World::start().await;
    let mut expected = json!({
        "primary_url": null, "secondary_url": null, "on_auth_creation": true,
        "on_auth_refresh_error": true, "on_connection_deletion": false, "legacy_signature": false,
    });
    let default = expected.clone();
    world.change_environment(json!({ "webhooks": {} })).await;
    assert_eq!(described(&world).await["webhooks"], expected);
    let all = [
        ("primary_url", json!("https://example.com/hooks")),
        ("secondary_url", json!("http://example.com/more?x=y")),
        ("on_auth_creation", json!(false)),
        ("on_auth_refresh_error", json!(false)),
        ("on_connection_deletion", json!(true)),
        ("legacy_signature", json!(true)),
    ];
    let cleared = all.clone().map(|(field, _)| (field, Value::Null));
    for (field, value) in all.into_iter().chain(cleared) {
        let report = world.change_environment(json!({ "webhooks": { field: value } })).await;
        assert_eq!(report.changed, ["dev"], "{field}");
        expected[field] = if value.is_null() { default[field].clone() } else { value };
        assert_eq!(described(&world).await["webhooks"], expected, "{field}");
        assert_eq!(world.change_environment(json!({})).await.unchanged, ["dev"]);
    }
}

#[tokio::test]
async fn the_callback_url_is_kept_and_cleared() {
    let mut world = World::start().await;
    let url = json!("https://example.com/oauth/callback");
    for (change, expected) in [
        (json!({ "callback_url": url }), &url),
        (json!({}), &url),
        (json!({ "callback_url": null }), &Value::Null),
    ] {
        world.change_environment(change).await;
        assert_eq!(&described(&world).await["callback_url"], expected);
    }
}

#[tokio::test]
async fn urls_that_are_none_or_hold_a_password_are_refused() {
    let world = World::start().await;
    let password = "A webhook URL must not hold a user name or a password";
    for (url, message) in [
        (json!("example.com"), "Invalid URL"),
        (json!("ftp://example.com"), "Invalid URL"),
        (json!("https://user:password@example.com"), password),
        (json!("https://user@example.com"), password),
        (json!(1), "Invalid input: expected string, received number"),
    ] {
        let found = issues(&world, json!({ "webhooks": { "primary_url": url } })).await;
        assert_eq!(found, [("webhooks.primary_url".to_owned(), message.to_owned())]);
    }
    let long = format!("https://example.com/{}", "x".repeat(2_048));
    let found = issues(&world, json!({ "callback_url": long })).await;
    assert_eq!(found[0].1, "Too big: expected string to have <=2048 characters");
    let found = issues(&world, json!({ "webhooks": { "signing_key": null, "extra": 1 } })).await;
    assert_eq!(found[0].1, "Invalid input: expected string, received null");
    assert_eq!(found[1].1, "Unrecognized key: \"extra\"");
}

#[tokio::test]
async fn an_environment_defines_providers_of_its_own() {
    let mut world = World::start().await;
    let integration = json!({ "unique_key": "acme", "provider": "acme" });
    let unknown = ("integrations.0.provider", "Provider does not exist: add it to `providers`");
    let unknown = (unknown.0.to_owned(), unknown.1.to_owned());
    let change = json!({ "integrations": [integration] });
    assert_eq!(issues(&world, change.clone()).await, std::slice::from_ref(&unknown));
    let going = json!({ "name": "acme", "state": "absent" });
    let both = json!({ "providers": [going], "integrations": [integration] });
    assert_eq!(issues(&world, both).await, [unknown]);

    let both = json!({ "providers": [provider("acme")], "integrations": [integration] });
    let report = world.change_environment(both.clone()).await;
    assert_eq!(report.created, ["dev/providers/acme", "dev/integrations/acme"]);
    assert_eq!(world.change_environment(both).await.unchanged.len(), 3);
    assert_eq!(world.change_environment(change).await.unchanged.len(), 2);
    assert_eq!(described(&world).await["providers"], json!(["acme"]));

    let mut other = provider("acme");
    other["auth_mode"] = json!("API_KEY");
    let report = world.change_environment(json!({ "providers": [other] })).await;
    assert_eq!(report.changed, ["dev/providers/acme"]);

    // It can be removed when no integration uses it any more.
    let going = json!([going]);
    let used = "Integration acme uses this provider: remove it or give it another one";
    let found = issues(&world, json!({ "providers": going })).await;
    assert_eq!(found, [("providers.0.state".to_owned(), used.to_owned())]);
    let without = json!([{ "unique_key": "acme", "provider": "github" }]);
    let change = json!({ "providers": going, "integrations": without });
    let report = world.change_environment(change).await;
    assert_eq!((report.removed, report.changed.len()), (vec!["dev/providers/acme".to_owned()], 1));
    let report = world.change_environment(json!({ "providers": going })).await;
    assert_eq!(report.unchanged, ["dev", "dev/providers/acme"]);
}

#[tokio::test]
async fn a_provider_that_breaks_a_rule_is_refused_with_every_issue() {
    let world = World::start().await;
    let string = "Invalid input: expected string, received";
    for (field, value, path, message) in [
        ("name", json!("a b"), "name", "Invalid string: must match pattern /^[a-zA-Z0-9_-]+$/"),
        (
            "name",
            json!("github"),
            "name",
            "The catalogue has a provider of this name: choose another",
        ),
        ("display_name", Value::Null, "display_name", &format!("{string} null")),
        ("auth_mode", json!("OAUTH3"), "auth_mode", "Invalid option: expected an auth mode"),
        ("auth_mode", Value::Null, "auth_mode", "Invalid option: expected an auth mode"),
        ("token_url", json!("id.acme.test"), "token_url", "Invalid URL: must start with https://"),
        ("token_params", json!({ "a": [] }), "token_params.a", &format!("{string} array")),
        (
            "disable_pkce",
            json!("no"),
            "disable_pkce",
            "Invalid input: expected boolean, received string",
        ),
        (
            "connection_config",
            json!({ "subdomain": { "pattern": "(" } }),
            "connection_config.subdomain.pattern",
            "Invalid regular expression",
        ),
        (
            "proxy",
            json!({ "verification": { "method": "TRACE", "endpoints": ["/me"] } }),
            "proxy.verification.method",
            r#"Invalid option: expected one of "GET"|"POST"|"PUT"|"HEAD""#,
        ),
    ] {
        let mut provider = provider("acme");
        provider[field] = value;
        let found = issues(&world, json!({ "providers": [provider] })).await;
        assert_eq!(found, [(format!("providers.0.{path}"), message.to_owned())], "{field}");
    }
    let mut long = provider("acme");
    long["docs"] = json!("x".repeat(65_536));
    let found = issues(&world, json!({ "providers": [long] })).await;
    assert_eq!(found[0].1, "Too big: expected at most 65536 bytes of JSON");
    let twice = issues(&world, json!({ "providers": [provider("a"), provider("a")] })).await;
    assert_eq!(twice[0].1, "Must be unique in its list");
}

#[tokio::test]
async fn a_document_of_long_items_is_written_in_transactions_that_dynamodb_takes() {
    let world = World::start().await;
    let long = "\u{20ac}".repeat(8_000);
    let integrations: Vec<_> = (0..90)
        .map(|n| {
            let credentials = json!({ "type": "OAUTH2", "client_id": long, "scopes": long });
            json!({ "unique_key": format!("i{n}"), "provider": "github", "credentials": credentials })
        })
        .collect();
    let mut document = json!({ "integrations": integrations });
    document["name"] = json!("dev");
    let document = json!({ "environments": [document] });
    let (state, wire) = world.other_container().await;
    let report = provision::apply(&state.connect.app, &state.connect.vault, document, world.now)
        .await
        .expect("a good document");
    assert_eq!(report.created.len(), 90);
    let calls = wire.calls();
    assert_eq!(calls.iter().filter(|call| *call == "TransactWriteItems").count(), 2);
    let scopes: Vec<_> = (0..101).map(|n| n.to_string()).collect();
    let keys = json!({ "secret_keys": [{ "name": "many", "scopes": scopes }] });
    let found = issues(&world, keys).await;
    assert_eq!(found[0].1, "Too big: expected array to have <=100 items");
}
