//! Client secrets, signing keys and branch keys: stored sealed, kept if a document leaves them out,
//! generated if there is none, shown once.

use sealing::branch_key_version;
use serde_json::{Value, json};
use tables::record::{CLIENT_SECRET, Key, Record, SIGNING_KEY};
use tests::{Fault, World};
use uuid::Uuid;

const SECRET: &str = "a client's secret from its provider";

fn github(credentials: Value) -> Value {
    let mut credentials = credentials;
    credentials["type"] = json!("OAUTH2");
    json!({ "integrations": [
        { "unique_key": "github", "provider": "github", "credentials": credentials },
    ] })
}

async fn described(world: &World) -> Value {
    let request = json!({ "describe": "dev" });
    let time = std::time::Duration::from_mins(5);
    let description = world.invoke_provision(request, time).await;
    description.expect("a description")["environments"][0].clone()
}

async fn environment_id(world: &World) -> Uuid {
    described(world).await["id"].as_str().expect("an id").parse().expect("a UUID")
}

/// The sealed client secret of `github`, or the sealed signing key.
async fn sealed(world: &World, attribute: &str) -> (Key, Vec<u8>) {
    let id = environment_id(world).await;
    let github = session::integration::IntegrationKey::parse("github").expect("a key");
    let key = match attribute {
        CLIENT_SECRET => Key::integration(id, &github),
        _ => Key::environment(id),
    };
    let mut items = world.app.tables.registry_items(vec![key.clone()]).await.expect("items");
    let sealed = match items.remove(&key).expect("an item").record {
        Record::Integration { client, .. } => client.expect("a client").client_secret,
        Record::Environment(settings) => settings.signing_keys.current,
        other => panic!("{other:?}"),
    };
    (key, sealed.expect("a sealed secret"))
}

/// A sealed value, and the version of the branch key that sealed it.
async fn opened(world: &World, attribute: &str) -> (String, u32) {
    let (key, sealed) = sealed(world, attribute).await;
    let version = branch_key_version(&sealed).expect("a version");
    let location = key.location(attribute);
    let branch_key = world.app.tables.branch_key(environment_id(world).await, version).await;
    let branch_keys = [branch_key.expect("an answer").expect("a branch key")];
    let opened = world.connect.vault.open(&branch_keys, &location, &sealed, world.now).await;
    let text = String::from_utf8(opened.expect("it opens").expose().to_vec());
    (text.expect("text"), version)
}

/// How many versions of branch keys are stored.
async fn branch_keys(world: &World) -> usize {
    let items = world.dump().await;
    let sks = items.iter().filter_map(|item| item.get("sk")?.as_s().ok());
    sks.filter(|sk| sk.starts_with("BRANCHKEY#")).count()
}

#[tokio::test]
async fn a_client_secret_is_sealed_and_kept_until_another_is_given() {
    let mut world = World::start().await;
    let given = json!({ "client_id": "id", "client_secret": SECRET, "scopes": "repo,user" });
    let report = world.change_environment(github(given.clone())).await;
    assert_eq!(
        (&report.changed[..], report.secrets.len()),
        (&["dev/integrations/github".into()][..], 0)
    );
    let first = sealed(&world, CLIENT_SECRET).await;
    assert_eq!(opened(&world, CLIENT_SECRET).await, (SECRET.to_owned(), 1));

    // If it is left out or given again, the stored item does not change.
    for same in [json!({}), json!({ "client_id": "id" }), given] {
        let report = world.change_environment(github(same)).await;
        assert_eq!(report.unchanged, ["dev", "dev/integrations/github"]);
    }
    let plain = json!({ "integrations": [{ "unique_key": "github", "provider": "github" }] });
    assert_eq!(world.change_environment(plain).await.changed.len(), 0);
    assert_eq!(sealed(&world, CLIENT_SECRET).await, first);

    let report = world.change_environment(github(json!({ "client_id": "other" }))).await;
    assert_eq!(report.changed, ["dev/integrations/github"]);
    assert_eq!(sealed(&world, CLIENT_SECRET).await, first);
    let credentials = described(&world).await["integrations"][1]["credentials"].clone();
    let expected =
        json!({ "client_id": "other", "has_client_secret": true, "scopes": "repo,user" });
    assert_eq!(credentials, expected);

    world.change_environment(github(json!({ "client_secret": "another" }))).await;
    assert_eq!(opened(&world, CLIENT_SECRET).await.0, "another");
}

#[tokio::test]
async fn a_signing_key_is_generated_once_told_once_and_replaced_by_one_that_is_given() {
    let mut world = World::start().await;
    let webhooks = |content: Value| json!({ "webhooks": content });
    assert_eq!(described(&world).await["webhooks"], Value::Null);
    let report = world.change_environment(webhooks(json!({}))).await;
    let told = &report.secrets[0];
    assert_eq!(
        (&report.changed[..], told.name.as_str()),
        (&["dev".into()][..], "webhooks/signing_key")
    );
    assert_eq!(opened(&world, SIGNING_KEY).await.0, told.secret);
    for same in [json!({}), json!({ "signing_key": told.secret })] {
        let report = world.change_environment(webhooks(same)).await;
        assert_eq!((report.unchanged.len(), report.secrets.len()), (1, 0));
    }
    let report = world.change_environment(webhooks(json!({ "signing_key": "mine" }))).await;
    assert_eq!((report.changed.len(), report.secrets.len()), (1, 0));
    assert_eq!(opened(&world, SIGNING_KEY).await.0, "mine");

    // If the document gives one, none is generated.
    let other =
        json!({ "environments": [{ "name": "other", "webhooks": { "signing_key": "x" } }] });
    assert_eq!(world.provision(other).await.expect("a good document").secrets.len(), 0);
}

#[tokio::test]
async fn no_table_holds_a_secret_that_a_document_gave() {
    let mut world = World::start().await;
    let mut document = github(json!({ "client_id": "id", "client_secret": SECRET }));
    document["webhooks"] = json!({ "primary_url": "https://example.com/hooks" });
    let report = world.change_environment(document).await;
    let dump = format!("{:?}", world.dump().await);
    assert!(dump.contains("https://example.com/hooks"), "the dump is one");
    let log = format!("{report:?} {}", described(&world).await);
    for secret in [SECRET, report.secrets[0].secret.as_str()] {
        let bytes = format!("{:?}", secret.as_bytes());
        let hex = hex::encode(secret);
        for form in [secret, bytes.trim_matches(['[', ']']), &hex, &hex.to_uppercase()] {
            assert!(!dump.contains(form) && !log.contains(form), "{form}");
        }
    }
}

#[tokio::test]
async fn a_new_branch_key_seals_from_then_on_and_the_old_one_still_opens() {
    let mut world = World::start().await;
    let mut given = github(json!({ "client_id": "id", "client_secret": SECRET }));
    given["webhooks"] = json!({ "signing_key": "a signing key" });
    world.change_environment(given.clone()).await;
    let report = world.change_environment(json!({ "rotate_branch_key": true })).await;
    assert_eq!(report.changed, ["dev"]);
    assert_eq!(
        (branch_keys(&world).await, &described(&world).await["branch_key_version"]),
        (2, &json!(2))
    );
    let unchanged = world.change_environment(json!({ "rotate_branch_key": false })).await;
    assert_eq!(unchanged.unchanged, ["dev"]);
    // The same secrets can be opened with the old key, so they are not written again.
    assert_eq!(world.change_environment(given).await.changed.len(), 0);
    assert_eq!(opened(&world, CLIENT_SECRET).await, (SECRET.to_owned(), 1));
    world.change_environment(github(json!({ "client_secret": "another" }))).await;
    assert_eq!(opened(&world, CLIENT_SECRET).await, ("another".to_owned(), 2));
    assert_eq!(opened(&world, SIGNING_KEY).await, ("a signing key".to_owned(), 1));
}

#[tokio::test]
async fn an_environment_has_a_branch_key_from_the_start_and_takes_it_along() {
    let mut world = World::start().await;
    world.change_environment(github(json!({ "client_secret": SECRET }))).await;
    let (old, id) = (sealed(&world, CLIENT_SECRET).await, environment_id(&world).await);
    assert_eq!(branch_keys(&world).await, 1);
    world.change_environment(json!({ "state": "absent" })).await;
    assert_eq!(branch_keys(&world).await, 0);
    world.kms_wire.calls();
    world.change_environment(json!({})).await;
    assert_eq!(branch_keys(&world).await, 1);
    let new = world.app.tables.branch_key(environment_id(&world).await, 1).await;
    let new = [new.expect("an answer").expect("a branch key")];
    assert_eq!(world.app.tables.branch_key(id, 1).await.expect("an answer"), None);
    let location = old.0.location(CLIENT_SECRET);
    let opened = world.connect.vault.open(&new, &location, &old.1, world.now).await;
    assert!(opened.is_err(), "a backup of the item opens");
}

#[tokio::test]
async fn a_new_environment_costs_one_call_to_kms_and_one_more_to_seal() {
    let world = World::start().await;
    world.kms_wire.calls();
    let document = json!({ "environments": [{ "name": "plain" }] });
    world.provision(document.clone()).await.expect("a good document");
    assert_eq!(world.kms_wire.calls(), ["GenerateDataKeyWithoutPlaintext"]);
    world.provision(document).await.expect("a good document");
    assert_eq!(world.kms_wire.calls(), Vec::<String>::new());
    let mut content = github(json!({ "client_secret": SECRET }));
    content["name"] = json!("sealed");
    content["webhooks"] = json!({});
    world.provision(json!({ "environments": [content] })).await.expect("a good document");
    assert_eq!(world.kms_wire.calls(), ["GenerateDataKeyWithoutPlaintext", "Decrypt"]);
}

#[tokio::test]
async fn where_kms_does_not_answer_nothing_is_written() {
    let mut world = World::start().await;
    let before = world.dump().await.len();
    let new = json!({ "environments": [
        { "name": "one", "secret_keys": [{ "name": "server" }] }, { "name": "dev" },
    ] });
    let mut secret = github(json!({ "client_secret": SECRET }));
    secret["name"] = json!("dev");
    let secret = json!({ "environments": [secret] });
    for fault in [Fault::Throttled, Fault::Failed, Fault::Refused, Fault::Broken, Fault::Silent] {
        for document in [&new, &secret] {
            world.restart();
            world.kms_wire.fail([fault; 3]);
            let failed = world.provision(document.clone()).await.expect_err("a failure");
            assert_eq!(failed.code(), "kms_unavailable", "{fault:?}");
            let message = "KMS did not answer, or refused. Nothing was written; run it again.";
            assert_eq!(failed.body()["error"]["message"], json!(message));
            world.kms_wire.fail([]);
        }
    }
    world.kms.disable_key();
    assert_eq!(
        world.provision(new.clone()).await.expect_err("a failure").code(),
        "kms_unavailable"
    );
    assert_eq!(world.dump().await.len(), before);
    world.kms.enable_key();
    let report = world.provision(new).await.expect("a good document");
    assert_eq!((report.created.len(), report.secrets.len()), (2, 1));
}
