//! Credentials are stored as hashes and nowhere else.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tests::World;

/// Every string, number and byte of an attribute, as text.
fn flatten(value: &AttributeValue, out: &mut String) {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => out.push_str(text),
        AttributeValue::B(bytes) => out.push_str(&String::from_utf8_lossy(bytes.as_ref())),
        AttributeValue::L(values) => values.iter().for_each(|value| flatten(value, out)),
        AttributeValue::M(map) => map.iter().for_each(|(key, value)| {
            out.push_str(key);
            flatten(value, out);
        }),
        _ => {}
    }
    out.push('\n');
}

// R14 R16
#[tokio::test]
async fn a_dump_of_every_table_holds_no_usable_credential() {
    let world = World::start().await;
    let generated =
        json!({ "environments": [{ "name": "dev", "secret_keys": [{ "name": "new" }] }] });
    let report = world.provision(generated).await.expect("a good document");
    let body = json!({ "connection_id": "conn-1", "integration_id": "github" });
    let secrets = [
        world.secret_key.clone(),
        world.secret_key_no_scope.clone(),
        report.secrets[0].secret.clone(),
        world.mint(json!({ "end_user": { "id": "u" } })).await,
        world.mint(json!({ "tags": { "a": "b" } })).await,
        world.reconnect(body).await.token(),
    ];
    let mut dump = String::new();
    for item in world.dump().await {
        for (name, value) in &item {
            dump.push_str(name);
            flatten(value, &mut dump);
        }
    }
    assert!(dump.contains("minted_by") && dump.contains("github"), "the dump is one");
    for secret in &secrets {
        // A part that is long enough to search for the rest is no less a leak.
        for part in [&secret[..], &secret[secret.len() - 16..]] {
            assert!(!dump.contains(part), "{part} in {dump}");
        }
    }
}

// R14 R16
#[tokio::test]
async fn no_answer_but_the_one_that_hands_it_out_holds_a_credential() {
    let world = World::start().await;
    let minted = world.create(json!({ "tags": {} })).await;
    assert!(!minted.body.contains(&world.secret_key));
    let token = minted.token();
    let hex = &token[token.len() - 64..];
    let mut bodies = vec![world.get(&token).await.body];
    for body in [json!({ "tags": { "x": 1 }, "secret": 1 }), json!({})] {
        bodies.push(world.create(body).await.body);
    }
    bodies.push(world.delete(&token).await.body);
    bodies.push(world.get(&token).await.body);
    for body in bodies {
        assert!(!body.contains(hex) && !body.contains(&world.secret_key), "{body}");
    }
}

#[test]
fn credentials_do_not_show_when_printed_for_debugging() {
    let key = session::secret_key::SecretKey::generate();
    let token = session::token::SessionToken::generate().expect("randomness");
    assert_eq!(format!("{key:?} {token:?}"), "SecretKey(…) SessionToken(…)");
}
