//! The environment document: declarative, idempotent, refused whole.

use api::Error;
use serde_json::{Value, json};
use session::secret_key::SecretKey;
use tests::{Call, Fault, World};

async fn issues(world: &World, document: Value) -> Value {
    match world.provision(document).await {
        Err(Error::InvalidBody(issues)) => json!(issues),
        other => panic!("{other:?}"),
    }
}

fn dev(content: Value) -> Value {
    let mut environment = content;
    environment["name"] = json!("dev");
    json!({ "environments": [environment] })
}

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
    let integration =
        json!({ "unique_key": "github", "provider": "github-app", "display_name": "GH" });
    let report = world.change_environment(json!({ "integrations": [integration] })).await;
    assert_eq!(report.changed, ["dev/integrations/github"]);
    assert_eq!(report.unchanged, ["dev"]);
    // Left out, a field keeps its value as well.
    let integration = json!({ "unique_key": "github", "provider": "github-app" });
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
    // Its connections went with it, and do not come back with it.
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
    world.app = world.cold_app();
    assert_eq!(world.create(json!({ "tags": {} })).await.status, 401);
    let report = world.provision(document).await.expect("a good document");
    assert_eq!(report.unchanged, ["dev"]);
}

#[tokio::test]
async fn a_bad_document_is_refused_whole_with_every_issue_and_its_path() {
    let world = World::start().await;
    let before = world.dump().await.len();
    let issue = |code: &str, message: &str, path: &str| {
        let path: Vec<_> = path.split('.').filter(|part| !part.is_empty()).collect();
        json!({ "code": code, "message": message, "path": path })
    };
    let document = json!({
        "environments": [
            {
                "name": "",
                "state": "maybe",
                "secret_keys": [
                    { "name": "a", "secret": "not-a-uuid", "scopes": "x" },
                    { "name": "a", "extra": 1 },
                ],
                "integrations": [{ "unique_key": "a/b" }, { "provider": "x" }],
                "connections": [{ "connection_id": "", "integration_id": 1, "end_user": {} }],
                "connect_ui": { "defaultTheme": "pink", "theme": { "light": {} } },
                "allow_docs_connect_override": "yes",
            },
            { "name": "x", "state": "absent", "integrations": [] },
        ],
        "version": 2,
    });
    let string = "Invalid input: expected string, received undefined";
    let integration = "Invalid string: must match pattern /^[a-zA-Z0-9~:.@ _-]+$/";
    let connection =
        r#"Invalid string: must match pattern /^[a-zA-Z0-9,.;:=+~[\]|@${}"'\\/_ -]+$/"#;
    let env = "environments.0";
    assert_eq!(
        issues(&world, document).await,
        json!([
            issue(
                "too_small",
                "Too small: expected string to have >=1 characters",
                "environments.0.name"
            ),
            issue(
                "invalid_value",
                r#"Invalid option: expected one of "present"|"absent""#,
                "environments.0.state"
            ),
            issue("invalid_format", "Invalid UUID v4", &format!("{env}.secret_keys.0.secret")),
            issue(
                "invalid_type",
                "Invalid input: expected array, received string",
                &format!("{env}.secret_keys.0.scopes")
            ),
            issue(
                "unrecognized_keys",
                "Unrecognized key: \"extra\"",
                &format!("{env}.secret_keys.1")
            ),
            issue("custom", "Must be unique in its list", &format!("{env}.secret_keys.1.name")),
            issue("invalid_format", integration, &format!("{env}.integrations.0.unique_key")),
            issue("invalid_type", string, &format!("{env}.integrations.0.provider")),
            issue("invalid_type", string, &format!("{env}.integrations.1.unique_key")),
            issue("invalid_format", connection, &format!("{env}.connections.0.connection_id")),
            issue(
                "invalid_type",
                "Invalid input: expected string, received number",
                &format!("{env}.connections.0.integration_id")
            ),
            issue("invalid_type", string, &format!("{env}.connections.0.end_user.id")),
            issue(
                "invalid_value",
                r#"Invalid option: expected one of "light"|"dark"|"system""#,
                &format!("{env}.connect_ui.defaultTheme")
            ),
            issue("invalid_type", string, &format!("{env}.connect_ui.theme.light.primary")),
            issue(
                "invalid_type",
                "Invalid input: expected boolean, received string",
                &format!("{env}.allow_docs_connect_override")
            ),
            issue("unrecognized_keys", "Unrecognized key: \"integrations\"", "environments.1"),
            issue("unrecognized_keys", "Unrecognized key: \"version\"", ""),
        ])
    );
    assert_eq!(world.dump().await.len(), before);
    let secret =
        issues(&world, dev(json!({ "secret_keys": [{ "name": "a", "secret": "hunter2" }] })));
    assert!(!secret.await.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_document_at_odds_with_the_registry_is_refused_whole() {
    let world = World::start().await;
    let before = world.dump().await.len();
    let no_integration = json!([{ "code": "custom", "message": "Integration does not exist",
        "path": ["environments", "0", "connections", "0", "integration_id"] }]);
    let connections = json!([{ "connection_id": "c", "integration_id": "new" }]);
    let document = dev(json!({ "connections": connections, "integrations": [
        { "unique_key": "other", "provider": "x" },
    ] }));
    assert_eq!(issues(&world, document).await, no_integration);
    let connections = json!([{ "connection_id": "c", "integration_id": "github" }]);
    let going = json!([{ "unique_key": "github", "state": "absent" }]);
    let document = dev(json!({ "connections": connections, "integrations": going }));
    assert_eq!(issues(&world, document).await, no_integration);

    let taken = json!([{ "code": "custom", "message": "Secret is already in use",
        "path": ["environments", "0", "secret_keys", "0", "secret"] }]);
    let key = json!({ "name": "server", "secret": world.secret_key });
    let document = json!({ "environments": [{ "name": "prod", "secret_keys": [key] }] });
    assert_eq!(issues(&world, document).await, taken);
    let key = json!({ "name": "second", "secret": world.secret_key });
    assert_eq!(issues(&world, dev(json!({ "secret_keys": [key] }))).await, taken);
    let key = json!({ "name": "same", "secret": SecretKey::generate().expose() });
    let environments = json!([
        { "name": "y", "secret_keys": [key] }, { "name": "z", "secret_keys": [key] },
    ]);
    let mut taken = taken;
    taken[0]["path"][1] = json!("1");
    assert_eq!(issues(&world, json!({ "environments": environments })).await, taken);
    assert_eq!(world.dump().await.len(), before);
}

#[tokio::test]
async fn a_large_document_is_written_in_many_transactions() {
    let mut world = World::start().await;
    let integrations: Vec<_> =
        (0..250).map(|n| json!({ "unique_key": format!("i{n}"), "provider": "x" })).collect();
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
async fn a_failure_half_way_makes_no_secret_that_nobody_is_told() {
    let world = World::start().await;
    let integrations: Vec<_> =
        (0..150).map(|n| json!({ "unique_key": format!("i{n}"), "provider": "x" })).collect();
    let document = dev(json!({ "secret_keys": [{ "name": "new" }], "integrations": integrations }));
    // The reads and the first transaction pass; the second one fails.
    world.wire.fail_after("TransactWriteItems", 1, Fault::Refused);
    let failed = world.provision(document.clone()).await;
    assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
    let report = world.provision(document).await.expect("a good document");
    assert_eq!((report.secrets.len(), report.unchanged.len()), (1, 101));
}

#[tokio::test]
async fn as_a_function_it_answers_the_report_or_the_error() {
    let world = World::start().await;
    let answer = provision::handle(world.app, world.document(), world.now).await;
    assert_eq!(answer["created"], json!([]));
    let answer = provision::handle(world.app, json!([]), world.now).await;
    assert_eq!(
        answer,
        json!({ "error": { "code": "invalid_body", "errors": [{ "code": "invalid_type",
            "message": "Invalid input: expected object, received array", "path": [] }] } })
    );
}
