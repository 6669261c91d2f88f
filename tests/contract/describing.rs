//! `provision` describes an environment without its secrets.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Fault, World};

async fn describe(world: &World, what: &str) -> Result<Value, Value> {
    let (state, _wire) = world.other_container().await;
    let (request, time) = (json!({ "describe": what }), Duration::from_mins(5));
    provision::handle(&state.connect.app, &state.connect.vault, request, world.now, time)
        .await
        .map_err(|failed| failed.body)
}

#[tokio::test]
async fn an_environment_is_described_with_keys_integrations_and_settings() {
    let mut world = World::start().await;
    let look = json!({ "connect_ui": { "showWatermark": false }, "integrations": [
        { "unique_key": "github", "provider": "github", "display_name": "GitHub" },
    ] });
    world.pass_ms(1_000);
    world.change_environment(look).await;
    let all = describe(&world, "*").await.expect("a description");
    assert_eq!(describe(&world, "dev").await.expect("a description"), all);
    let text = all.to_string();
    for secret in [&world.secret_key, &world.secret_key_no_scope] {
        let hash = session::secret_key::SecretKey::parse(secret).expect("a key").hash();
        assert!(!text.contains(secret.as_str()) && !text.contains(hash.as_str()), "{text}");
    }
    let dev = &all["environments"][0];
    assert_eq!(
        (&dev["name"], &dev["created_at"], &dev["updated_at"], &dev["allow_docs_connect_override"]),
        (
            &json!("dev"),
            &json!("2026-11-22T12:38:27.690Z"),
            &json!("2026-11-22T12:38:28.690Z"),
            &json!(true)
        )
    );
    assert_eq!(dev["connect_ui"]["showWatermark"], json!(false));
    let keys = dev["secret_keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 2);
    assert_eq!((&keys[0]["name"], &keys[0]["scopes"]), (&json!("no scope"), &json!([])));
    assert_eq!(keys[1]["scopes"], json!(["environment:connect_sessions:write"]));
    assert!(keys[1]["id"].is_string() && keys[1]["created_at"].is_string(), "{text}");
    let github = json!({ "unique_key": "github", "provider": "github", "display_name": "GitHub",
        "credentials": null });
    assert!(dev["integrations"].as_array().is_some_and(|list| list.contains(&github)), "{text}");
    assert_eq!(dev["integrations"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn the_revision_is_another_one_after_each_write_and_the_id_after_each_making() {
    let mut world = World::start().await;
    let mut seen = Vec::new();
    let documents = [
        json!({}),
        json!({}),
        json!({ "secret_keys": [{ "name": "new" }] }),
        json!({ "state": "absent" }),
        json!({}),
    ];
    for document in documents {
        world.change_environment(document).await;
        if let Ok(description) = describe(&world, "dev").await {
            let dev = &description["environments"][0];
            seen.push((dev["id"].to_string(), dev["revision"].to_string()));
        }
    }
    assert_eq!(seen.len(), 4);
    assert_eq!(seen[0], seen[1], "nothing was written");
    assert!(seen[1].0 == seen[2].0 && seen[1].1 != seen[2].1, "{seen:?}");
    assert!(seen[2].0 != seen[3].0, "{seen:?}");
}

#[tokio::test]
async fn what_is_not_there_or_not_asked_for_rightly_is_refused() {
    let world = World::start().await;
    let issue = |code: &str, message: &str, path: &[&str]| {
        json!({ "error": { "code": "invalid_body",
            "errors": [{ "code": code, "message": message, "path": path }] } })
    };
    let missing = issue("custom", "Environment does not exist", &["describe"]);
    assert_eq!(describe(&world, "prod").await, Err(missing));
    let short = "Too small: expected string to have >=1 characters";
    assert_eq!(describe(&world, "").await, Err(issue("too_small", short, &["describe"])));
    let request = json!({ "describe": "dev", "environments": [] });
    let failed = world.invoke_provision(request, Duration::from_mins(5)).await;
    let extra = issue("unrecognized_keys", "Unrecognized key: \"environments\"", &[]);
    assert_eq!(failed.expect_err("a failure").body, extra);
    world.wire.fail([Fault::Refused]);
    let request = json!({ "describe": "dev" });
    let failed = world.invoke_provision(request, Duration::from_mins(5)).await;
    assert_eq!(failed.expect_err("a failure").code, "server_error");
}

#[tokio::test]
async fn many_integrations_are_described_and_more_than_an_answer_holds_are_not() {
    let mut world = World::start().await;
    let integrations = |count: usize, text: &str| -> Vec<_> {
        let integration = |n| {
            let key = format!("i{n}{}", &text[..text.len() - 6]);
            json!({ "unique_key": key, "provider": "unauthenticated", "display_name": text })
        };
        (0..count).map(integration).collect()
    };
    let long = "x".repeat(250);
    let many = json!({ "integrations": integrations(9_000, &long) });
    world.change_environment(many).await;
    let description = describe(&world, "dev").await.expect("a description");
    let described = description["environments"][0]["integrations"].as_array().map(Vec::len);
    assert_eq!(described, Some(9_005));

    let content = integrations(2_000, &long);
    let document = json!({ "environments": [{ "name": "more", "integrations": content }] });
    world.provision(document).await.expect("a good document");
    assert!(describe(&world, "more").await.is_ok());
    let failed = describe(&world, "*").await.expect_err("a failure");
    assert_eq!(failed["error"]["code"], json!("description_too_long"));
}
