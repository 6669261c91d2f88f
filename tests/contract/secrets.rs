//! Credentials are stored as hashes and nowhere else.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use tests::{Flow, World, leaks};

/// Every string, number and byte of an attribute.
fn flatten(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => out.extend(text.as_bytes()),
        AttributeValue::B(bytes) => out.extend(bytes.as_ref()),
        AttributeValue::L(values) => values.iter().for_each(|value| flatten(value, out)),
        AttributeValue::M(map) => map.iter().for_each(|(key, value)| {
            out.extend(key.as_bytes());
            flatten(value, out);
        }),
        _ => {}
    }
    out.push(b'\n');
}

/// All tables.
async fn dump(world: &World) -> Vec<u8> {
    let mut dump = Vec::new();
    for item in world.dump().await {
        for (name, value) in &item {
            dump.extend(name.as_bytes());
            flatten(value, &mut dump);
        }
    }
    dump
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
    let dump = String::from_utf8_lossy(&dump(&world).await).into_owned();
    assert!(dump.contains("minted_by") && dump.contains("github"), "the dump is one");
    for secret in &secrets {
        // A part that makes it feasible to search for the rest is a leak too.
        for part in [&secret[..], &secret[secret.len() - 16..]] {
            assert!(!dump.contains(part), "{part} in {dump}");
        }
    }
}

#[tokio::test]
async fn after_every_auth_mode_a_dump_holds_no_secret_in_any_encoding() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let mut secrets = vec![token.clone(), flow.world.secret_key.clone()];
    for (path, body) in leaks::submissions() {
        flow.connected(path, &token, &body).await;
        secrets.extend(leaks::texts(&body));
    }
    for import in leaks::imports() {
        let reply = flow.ask("POST", "/connections", Some(&import)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        secrets.extend(leaks::texts(&import["credentials"]));
    }
    // Secrets that the provider issued or that were made here.
    for listed in flow.connections().await {
        let text = |name: &str| listed[name].as_str().expect("a text").to_owned();
        let (key, id) = (text("provider_config_key"), text("connection_id"));
        let connection = flow.connection(&key, &id).await;
        for name in ["token", "access_token", "session_id"] {
            secrets.extend(leaks::texts(&connection["credentials"][name]));
        }
    }
    // Client secrets of integrations, and the signing key of webhooks.
    secrets.extend(["gh-secret", "fake-client-secret", "tba-secret"].map(str::to_owned));
    secrets.push("5f0c1f8a-3b1d-4a6e-8c55-0d9e7a1b2c3d".to_owned());
    assert!(secrets.len() > 30, "{secrets:?}");

    let dump = dump(&flow.world).await;
    assert!(!leaks::found(&dump, &["key-verify".to_owned()]).is_empty(), "the dump is one");
    assert_eq!(leaks::found(&dump, &secrets), Vec::<String>::new());
}

#[test]
fn a_secret_is_found_in_every_encoding() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let secret = "päss\"word-4711".to_owned();
    let base64 = |before: &str| STANDARD.encode(format!("{before}{secret}?")).into_bytes();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for stored in [
        secret.clone().into_bytes(),
        base64(""),
        base64("1"),
        base64("12"),
        hex::encode(&secret).into_bytes(),
        json!({ "x": secret }).to_string().into_bytes(),
        br#"{"x":"p\u00e4ss\u0022word-4711"}"#.to_vec(),
        utf16(&secret),
    ] {
        let found = leaks::found(&stored, std::slice::from_ref(&secret));
        assert!(!found.is_empty(), "{}", String::from_utf8_lossy(&stored));
    }
}

#[tokio::test]
async fn the_secrets_of_a_sessions_defaults_are_sealed() {
    let world = World::start().await;
    let (mut defaults, secrets) = leaks::session_defaults();
    defaults["github"] = defaults["oauth"].take();
    defaults.as_object_mut().expect("an object").remove("oauth");
    let body = json!({ "tags": {}, "integrations_config_defaults": defaults });
    let token = world.mint(body).await;
    let item = world.session_items().await.remove(0);
    assert!(item["secrets"].as_b().is_ok(), "{item:?}");
    let mut session = Vec::new();
    for value in item.values() {
        flatten(value, &mut session);
    }
    assert!(!leaks::found(&session, &["client-id-of-session".to_owned()]).is_empty());
    assert_eq!(leaks::found(&session, &secrets), Vec::<String>::new());
    // The holder of the token can read them.
    let read = world.get(&token).await.body;
    assert!(secrets.iter().all(|secret| read.contains(secret)), "{read}");
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
