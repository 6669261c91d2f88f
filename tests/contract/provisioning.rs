//! The environment document: declarative and idempotent.

use serde_json::{Value, json};
use session::secret_key::SecretKey;
use tests::{Call, World};

#[tokio::test]
async fn applying_a_document_twice_changes_nothing() {
    let world = World::start().await;
    let before = world.dump().await.len();
    world.wire.calls();
    let report = world.provision(world.document()).await.expect("a good document");
    assert_eq!((report.created.len(), report.changed.len(), report.removed.len()), (0, 0, 0));
    assert_eq!(report.unchanged.len(), 9);
    assert!(!world.wire.calls().contains(&"TransactWriteItems".to_owned()));
    assert_eq!(world.dump().await.len(), before);
}

#[tokio::test]
async fn what_a_document_does_not_name_is_left_alone() {
    let mut world = World::start().await;
    let look =
        json!({ "connect_ui": { "showWatermark": false }, "allow_docs_connect_override": false });
    world.change_environment(look).await;
    let integration = json!({ "unique_key": "github", "provider": "gitlab", "display_name": "GH" });
    let report = world.change_environment(json!({ "integrations": [integration] })).await;
    assert_eq!(report.changed, ["dev/integrations/github"]);
    assert_eq!(report.unchanged, ["dev"]);
    // A field that is left out keeps its value.
    let integration = json!({ "unique_key": "github", "provider": "gitlab" });
    let report = world.change_environment(json!({ "integrations": [integration] })).await;
    assert_eq!(report.unchanged, ["dev", "dev/integrations/github"]);

    let all = json!({ "tags": {}, "allowed_integrations": ["github", "slack", "hubspot", "a"] });
    let token = world.mint(all).await;
    let shown = world.get(&token).await.json();
    assert_eq!(shown["data"]["connectUISettings"]["showWatermark"], json!(false));
    let linked = json!({ "tags": {}, "overrides": { "github": { "docs_connect": "x" } } });
    assert_eq!(world.create(linked).await.status, 403);
}

#[tokio::test]
async fn a_secret_that_is_left_out_is_generated_and_told_once() {
    let mut world = World::start().await;
    let document = json!({ "secret_keys": [{ "name": "ci", "scopes": ["environment:*"] }] });
    let report = world.change_environment(document.clone()).await;
    assert_eq!(report.created, ["dev/secret_keys/ci"]);
    let told = &report.secrets[0];
    assert_eq!((told.environment.as_str(), told.name.as_str()), ("dev", "ci"));
    let call = Call::create(&told.secret, &json!({ "tags": {} }));
    assert_eq!(world.send(call.clone()).await.status, 201);
    let report = world.change_environment(document).await;
    assert_eq!((report.unchanged.len(), report.secrets.len()), (2, 0));
    assert_eq!(world.send(call).await.status, 201);
}

#[tokio::test]
async fn a_key_is_rotated_by_name_and_two_names_overlap() {
    let mut world = World::start().await;
    let old = world.secret_key.clone();
    let (second, third) = (SecretKey::generate(), SecretKey::generate());
    let create = |key: &str| Call::create(key, &json!({ "tags": {} }));
    let key = json!({ "name": "server-2", "secret": second.expose() });
    world.change_environment(json!({ "secret_keys": [key] })).await;
    assert_eq!(world.send(create(&old)).await.status, 201);
    assert_eq!(world.send(create(second.expose())).await.status, 201);

    let gone = json!({ "name": "server", "state": "absent" });
    let report = world.change_environment(json!({ "secret_keys": [gone] })).await;
    assert_eq!(report.removed, ["dev/secret_keys/server"]);
    assert_eq!(world.send(create(&old)).await.status, 401);

    let key = json!({ "name": "server-2", "secret": third.expose() });
    let report = world.change_environment(json!({ "secret_keys": [key] })).await;
    assert_eq!(report.changed, ["dev/secret_keys/server-2"]);
    assert_eq!(world.send(create(second.expose())).await.status, 401);
    assert_eq!(world.send(create(third.expose())).await.status, 201);
}

#[tokio::test]
async fn absent_removes_and_removing_twice_changes_nothing() {
    let mut world = World::start().await;
    let connection = json!({ "connection_id": "conn-1", "integration_id": "github" });
    let gone = json!({ "integrations": [{ "unique_key": "github", "state": "absent" }] });
    let report = world.change_environment(gone.clone()).await;
    assert_eq!(report.removed, ["dev/integrations/github"]);
    let report = world.change_environment(gone).await;
    assert_eq!(report.unchanged, ["dev", "dev/integrations/github"]);
    assert_eq!(world.reconnect(connection.clone()).await.status, 400);
    // Its connections were removed with it and are not restored with it.
    let back = json!({ "unique_key": "github", "provider": "github" });
    world.change_environment(json!({ "integrations": [back] })).await;
    assert_eq!(world.reconnect(connection.clone()).await.status, 400);
    world.change_environment(json!({ "connections": [connection.clone()] })).await;
    assert_eq!(world.reconnect(connection).await.status, 201);

    let document = json!({ "environments": [{ "name": "dev", "state": "absent" }] });
    let report = world.provision(document.clone()).await.expect("a good document");
    assert_eq!(report.removed, ["dev"]);
    let items = world.dump().await.len() - world.session_items().await.len();
    assert_eq!(items, 0);
    world.restart();
    assert_eq!(world.create(json!({ "tags": {} })).await.status, 401);
    let report = world.provision(document).await.expect("a good document");
    assert_eq!(report.unchanged, ["dev"]);
}

#[tokio::test]
async fn a_large_document_is_written_in_many_transactions() {
    let mut world = World::start().await;
    let integrations: Vec<_> = (0..250)
        .map(|n| json!({ "unique_key": format!("i{n}"), "provider": "unauthenticated" }))
        .collect();
    let keys: Vec<_> = (0..40).map(|n| json!({ "name": format!("key {n}") })).collect();
    let connections: Vec<_> = (0..60)
        .map(|n| json!({ "connection_id": format!("c{n}"), "integration_id": "i249" }))
        .collect();
    let document = json!({
        "secret_keys": keys, "integrations": integrations, "connections": connections,
    });
    let report = world.change_environment(document).await;
    assert_eq!((report.created.len(), report.secrets.len()), (350, 40));
    let body = json!({ "connection_id": "c59", "integration_id": "i249" });
    assert_eq!(world.reconnect(body).await.status, 201);
}

#[tokio::test]
async fn each_field_that_is_left_out_keeps_its_value_and_null_clears_some() {
    let mut world = World::start().await;
    let look = |world: &World| {
        let (app, now) = (world.cold(), world.now);
        let create = Call::create(&world.secret_key, &json!({ "tags": {} }));
        async move {
            let token = create.send_to(app, now).await.token();
            Call::get(&token).send_to(app, now).await.json()["data"]["connectUISettings"].clone()
        }
    };
    let unchanged = look(&world).await;
    // No field differs, not even in the order of its keys.
    world.change_environment(json!({ "connect_ui": { "showWatermark": true } })).await;
    assert_eq!(look(&world).await.to_string(), unchanged.to_string());

    let mut expected = json!({
        "showWatermark": true,
        "theme": { "light": { "primary": "#00B2E3" }, "dark": { "primary": "#00B2E3" } },
        "defaultTheme": "system",
    });
    for (part, path, value) in [
        (json!({ "showWatermark": false }), "/showWatermark", json!(false)),
        (
            json!({ "theme": { "light": { "primary": "red" } } }),
            "/theme/light/primary",
            json!("red"),
        ),
        (
            json!({ "theme": { "dark": { "primary": "blue" } } }),
            "/theme/dark/primary",
            json!("blue"),
        ),
        (json!({ "defaultTheme": "dark" }), "/defaultTheme", json!("dark")),
        (json!({}), "/defaultTheme", json!("dark")),
    ] {
        world.change_environment(json!({ "connect_ui": part })).await;
        *expected.pointer_mut(path).expect("a field") = value;
        assert_eq!(look(&world).await, expected);
    }
    world.change_environment(json!({ "allow_docs_connect_override": false })).await;
    world.change_environment(json!({ "connect_ui": { "defaultTheme": "light" } })).await;
    let linked = json!({ "tags": {}, "overrides": { "github": { "docs_connect": "x" } } });
    assert_eq!(world.create(linked).await.status, 403);

    // The item of a record without its times.
    let item = async |world: &World, sk: &str| {
        let items = world.dump().await;
        let mut items = items.into_iter().filter(|item| {
            item.get("sk").and_then(|value| value.as_s().ok()).is_some_and(|value| value == sk)
        });
        let item = items.next().expect("an item");
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        (text("display_name"), text("end_user").unwrap_or_default(), item.get("tags").cloned())
    };
    let integration = |mut content: Value| {
        content["unique_key"] = json!("github");
        content["provider"] = json!("github");
        json!({ "integrations": [content] })
    };
    for (content, kept) in [
        (json!({ "display_name": "GH" }), Some("GH")),
        (json!({}), Some("GH")),
        (json!({ "display_name": null }), None),
    ] {
        world.change_environment(integration(content)).await;
        assert_eq!(item(&world, "INTEGRATION#github").await.0.as_deref(), kept);
    }
    let connection = |mut content: Value| {
        content["connection_id"] = json!("conn-1");
        content["integration_id"] = json!("github");
        json!({ "connections": [content] })
    };
    for (content, user, organization, tagged) in [
        (json!({ "end_user": { "id": "u" }, "tags": { "a": "b" } }), true, false, true),
        (json!({ "organization": { "id": "the organization" } }), true, true, true),
        (json!({ "end_user": { "id": "u", "email": "a@b.co" } }), true, true, true),
        (json!({ "tags": {} }), true, true, false),
        (json!({ "organization": null }), true, false, false),
        (json!({ "end_user": null }), false, false, false),
    ] {
        world.change_environment(connection(content)).await;
        let (_, end_user, tags) = item(&world, "conn-1#github").await;
        let tags = tags.and_then(|tags| tags.as_s().cloned().ok()).expect("tags");
        let is = (!end_user.is_empty(), end_user.contains("the organization"), tags != "{}");
        assert_eq!(is, (user, organization, tagged), "{end_user}");
    }
}
