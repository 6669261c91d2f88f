//! Environment documents that are refused. Nothing of them is written.

use provision::Failure;
use serde_json::{Value, json};
use session::secret_key::SecretKey;
use tests::World;

async fn issues(world: &World, document: Value) -> Value {
    match world.provision(document).await {
        Err(Failure::Refused(issues)) => json!(issues),
        other => panic!("{other:?}"),
    }
}

fn dev(content: Value) -> Value {
    let mut environment = content;
    environment["name"] = json!("dev");
    json!({ "environments": [environment] })
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
                "integrations": [{ "unique_key": "a/b" }, { "provider": "unauthenticated" }],
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
        { "unique_key": "other", "provider": "unauthenticated" },
    ] }));
    assert_eq!(issues(&world, document).await, no_integration);
    let connections = json!([{ "connection_id": "c", "integration_id": "github" }]);
    let going = json!([{ "unique_key": "github", "state": "absent" }]);
    let document = dev(json!({ "connections": connections, "integrations": going }));
    assert_eq!(issues(&world, document).await, no_integration);

    let nobody = "An organization needs an end user";
    let connection = json!({
        "connection_id": "conn-1", "integration_id": "github", "organization": { "id": "o" },
    });
    let refused = issues(&world, dev(json!({ "connections": [connection] }))).await;
    assert_eq!(refused[0]["message"], nobody);

    let taken = json!([{ "code": "custom", "message": "Secret is already in use: choose another",
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
async fn the_published_secret_is_refused_where_the_tables_are_those_of_aws() {
    let world = World::start().await;
    let published: Value =
        serde_json::from_str(include_str!("../../events/provision.json")).expect("JSON");
    let issue = json!([{
        "code": "custom",
        "message": "This secret is published with the source code and refused on AWS: leave it out, \
                    and one is generated",
        "path": ["environments", "0", "secret_keys", "0", "secret"],
    }]);
    let mut shouted = published.clone();
    let secret = &mut shouted["environments"][0]["secret_keys"][0]["secret"];
    *secret = json!(secret.as_str().map(str::to_uppercase));
    for url in [None, Some("https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com")] {
        let there = world.with_endpoint(url);
        for document in [&published, &shouted] {
            let result =
                provision::apply(&there.app, &there.vault, document.clone(), world.now).await;
            let Err(Failure::Refused(issues)) = result else { panic!("{result:?}") };
            assert_eq!(json!(issues), issue);
        }
    }
    let local = world.with_endpoint(Some("http://127.0.0.1:8000"));
    assert!(provision::apply(&local.app, &local.vault, published, world.now).await.is_ok());
}
