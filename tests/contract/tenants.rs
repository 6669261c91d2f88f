//! Everything in an environment is invisible to every other environment.

use serde_json::{Value, json};
use session::secret_key::SecretKey;
use tests::{Call, World};

/// A second environment with a connection of its own, and its secret key.
async fn other_environment(world: &World) -> String {
    let secret = SecretKey::generate().expose().to_owned();
    let document = json!({ "environments": [ {
        "name": "prod",
        "secret_keys": [{ "name": "server", "secret": secret }],
        "integrations": [{ "unique_key": "only-prod", "provider": "unauthenticated" }],
        "connections": [{ "connection_id": "conn-prod", "integration_id": "only-prod" }],
        "connect_ui": { "showWatermark": false },
    } ] });
    world.provision(document).await.expect("a good document");
    secret
}

// R13 R17
#[tokio::test]
async fn integrations_connections_and_settings_are_those_of_the_keys_environment() {
    let world = World::start().await;
    let other = other_environment(&world).await;
    for (key, own, foreign) in
        [(&world.secret_key, "github", "only-prod"), (&other, "only-prod", "github")]
    {
        let body = |name: &str| json!({ "tags": {}, "allowed_integrations": [name] });
        assert_eq!(world.send(Call::create(key, &body(own))).await.status, 201);
        assert_eq!(world.send(Call::create(key, &body(foreign))).await.status, 400);
    }
    let body = |connection: &str, integration: &str| json!({ "connection_id": connection, "integration_id": integration });
    for (key, own, foreign) in [
        (&world.secret_key, body("conn-1", "github"), body("conn-prod", "only-prod")),
        (&other, body("conn-prod", "only-prod"), body("conn-1", "github")),
    ] {
        assert_eq!(world.send(Call::reconnect(key, &own)).await.status, 201);
        assert_eq!(world.send(Call::reconnect(key, &foreign)).await.status, 400);
    }
}

// R17
#[tokio::test]
async fn a_token_opens_the_session_of_its_own_environment() {
    let world = World::start().await;
    let other = other_environment(&world).await;
    let watermark = async |key: &str| -> Value {
        let token = world.send(Call::create(key, &json!({ "tags": {} }))).await.token();
        world.get(&token).await.json()["data"]["connectUISettings"]["showWatermark"].clone()
    };
    assert_eq!(watermark(&world.secret_key).await, json!(true));
    assert_eq!(watermark(&other).await, json!(false));
    let environments: std::collections::HashSet<_> = (world.session_items().await.iter())
        .map(|item| item["environment_id"].as_s().expect("text").clone())
        .collect();
    assert_eq!(environments.len(), 2);
}
