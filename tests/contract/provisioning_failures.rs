//! The answer to an operator whose document was only partly applied. The wire breaks before or
//! after a transaction is executed: every secret that was written is in the answer.

use std::time::Duration;

use provision::{Failure, GeneratedSecret, Stopped};
use serde_json::{Value, json};
use tests::{Call, Fault, World};

/// A document that makes fifty keys, in two transactions.
fn fifty_keys() -> Value {
    let keys: Vec<_> = (0..50).map(|n| json!({ "name": format!("key {n}") })).collect();
    json!({ "environments": [{ "name": "dev", "secret_keys": keys }] })
}

fn one_key(environment: &str) -> Value {
    json!({ "environments": [{ "name": environment, "secret_keys": [{ "name": "new" }] }] })
}

#[track_caller]
fn stopped(result: Result<provision::Report, Failure>) -> Stopped {
    match result {
        Err(Failure::Stopped(stopped)) => *stopped,
        other => panic!("{other:?}"),
    }
}

/// Whether a secret from an answer can make sessions, in a container without caches.
async fn works(world: &World, told: &GeneratedSecret) -> bool {
    let call = Call::create(&told.secret, &json!({ "tags": {} }));
    call.send_to(world.cold(), world.now).await.status == 201
}

/// How many secret keys there are.
async fn key_count(world: &World) -> usize {
    let items = world.dump().await;
    items
        .iter()
        .filter(|item| item.get("sk").is_some_and(|sk| sk.as_s() == Ok(&"KEY".into())))
        .count()
}

#[tokio::test]
async fn a_transaction_whose_answer_is_lost_is_found_to_stand() {
    // In an existing environment, and in one that the document makes.
    for environment in ["dev", "other"] {
        let world = World::start().await;
        world.wire.fail_after("TransactWriteItems", 0, [Fault::AnswerLost; 3]);
        let report = world.provision(one_key(environment)).await.expect("a good document");
        assert_eq!(report.secrets.len(), 1, "{environment}");
        assert!(works(&world, &report.secrets[0]).await, "{environment}");
    }
}

#[tokio::test]
async fn a_transaction_that_never_arrives_is_known_not_to_stand() {
    let world = World::start().await;
    for fault in [Fault::Broken, Fault::Failed, Fault::Throttled] {
        world.wire.fail_after("TransactWriteItems", 0, [fault; 3]);
        let stopped = stopped(world.provision(one_key("dev")).await);
        assert!(!stopped.is_partial && stopped.unconfirmed.is_none(), "{fault:?}: {stopped:?}");
        assert_eq!((stopped.applied.secrets.len(), key_count(&world).await), (0, 2), "{fault:?}");
    }
    let report = world.provision(one_key("dev")).await.expect("a good document");
    assert!(works(&world, &report.secrets[0]).await);
}

#[tokio::test]
async fn a_transaction_that_arrives_after_it_was_given_up_is_not_executed() {
    let world = World::start().await;
    let mut gate = world.wire.hold();
    let mut late = Vec::new();
    let provisioned = world.provision(one_key("dev"));
    let mut provisioned = std::pin::pin!(provisioned);
    let result = loop {
        tokio::select! {
            result = &mut provisioned => break result,
            Some(held) = gate.recv() => match held.operation.as_str() {
                "TransactWriteItems" => late.push(held),
                _ => held.release().await,
            },
        }
    };
    let stopped = stopped(result);
    assert!(stopped.unconfirmed.is_none(), "{stopped:?}");
    assert!(!late.is_empty());
    drop(gate);
    for held in late {
        held.release().await;
    }
    assert_eq!(key_count(&world).await, 2);
}

#[tokio::test]
async fn what_nobody_can_tell_is_told_as_unconfirmed_with_its_secrets() {
    // After the answers to the transaction comes that to the read of its outcome.
    for fault in [Fault::AnswerLost, Fault::Broken] {
        let world = World::start().await;
        world.wire.fail_after("TransactWriteItems", 0, [[fault; 3], [Fault::Failed; 3]].concat());
        let failed = world.provision(one_key("dev")).await.expect_err("a failure");
        let body = failed.body();
        assert_eq!(body["error"]["code"], json!(failed.code()));
        assert_eq!(body["applied"]["created"], json!([]));
        assert_eq!(body["unconfirmed"]["created"], json!(["dev/secret_keys/new"]));
        assert!(body["unconfirmed"]["secrets"][0]["secret"].is_string(), "{body}");
        let unconfirmed = stopped(Err(failed)).unconfirmed.expect("a report");
        let stands = works(&world, &unconfirmed.secrets[0]).await;
        assert_eq!(stands, fault == Fault::AnswerLost);
    }
}

#[tokio::test]
async fn a_failure_between_two_transactions_tells_what_stands_with_its_secrets() {
    let world = World::start().await;
    world.wire.fail_after("TransactWriteItems", 1, [Fault::Refused]);
    let failed = world.provision(fifty_keys()).await.expect_err("a failure");
    let message = "An unexpected error occurred. Everything under `applied` was written, and \
                   perhaps a part of a removal; run it again for the rest.";
    assert_eq!(failed.body()["error"], json!({ "code": "server_error", "message": message }));
    let first = stopped(Err(failed));
    assert!(first.is_partial && first.unconfirmed.is_none());
    assert_eq!((first.applied.created.len(), first.applied.secrets.len()), (49, 49));
    assert_eq!(key_count(&world).await, 2 + 49);
    let rest = world.provision(fifty_keys()).await.expect("a good document");
    assert_eq!((rest.secrets.len(), rest.unchanged.len()), (1, 1 + 49));
    for told in [&first.applied.secrets[0], &first.applied.secrets[48], &rest.secrets[0]] {
        assert!(works(&world, told).await, "{told:?}");
    }
}

#[tokio::test]
async fn it_stops_while_there_is_time_to_say_so() {
    let world = World::start().await;
    let soon = Duration::from_secs(45);
    let failed = world.invoke_provision(one_key("dev"), soon).await;
    let failed = failed.expect_err("a failure");
    assert_eq!((failed.code, &failed.body["error"]["code"]), ("timeout", &json!("timeout")));
    assert_eq!(key_count(&world).await, 2);
    let later = Duration::from_mins(1);
    let report = world.invoke_provision(one_key("dev"), later).await;
    assert_eq!(report.expect("a report")["created"], json!(["dev/secret_keys/new"]));
}

#[tokio::test]
async fn as_a_function_it_answers_the_report_or_fails_with_everything_but_in_the_log() {
    let world = World::start().await;
    let time = Duration::from_mins(5);
    let answer = world.invoke_provision(world.document(), time).await;
    assert_eq!(answer.expect("a report")["created"], json!([]));
    let failed = world.invoke_provision(json!([]), time).await;
    let failed = failed.expect_err("a failure");
    assert_eq!(
        failed.body,
        json!({ "error": { "code": "invalid_body", "errors": [{ "code": "invalid_type",
            "message": "Invalid input: expected object, received array", "path": [] }] } })
    );
    // What the Lambda runtime logs about a failure.
    world.wire.fail_after("TransactWriteItems", 1, [Fault::Refused]);
    let failed = world.invoke_provision(fifty_keys(), time).await;
    let failed = failed.expect_err("a failure");
    let secret = failed.body["secrets"][0]["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(format!("{failed:?}"), "the invocation failed: server_error");
    let answered = lambda_runtime::Diagnostic::from(failed);
    assert_eq!(answered.error_type, "server_error");
    assert!(answered.error_message.contains(&secret));
}
