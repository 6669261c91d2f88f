//! Failures around a function, and what its execution environment makes of them.

use std::iter::repeat_n;

use serde_json::json;
use tests::World;
use tests::wire::{Fault, PING};

use crate::emulator::Function;
use crate::events::{self, answer, token};

#[tokio::test]
async fn a_hostile_host_is_answered_and_the_environment_survives() {
    let world = World::start().await;
    let create = Function::start("create-session", &world).await;
    for host in ["a.127.0.0.1:1", "[", "\u{0}", "host host", "é", ""] {
        let mut event = events::create(&world.secret_key);
        event["headers"]["host"] = json!(host);
        event["requestContext"]["domainName"] = json!(host);
        event["rawPath"] = json!(host);
        event["rawQueryString"] = json!("");
        token(&create.invoke(&event).await);
    }
    // One start, which connects, and one read of the key: there was one environment.
    let calls = world.wire.calls();
    assert_eq!(calls[..3], [PING, "GetItem", "Query"]);
    assert_eq!(calls[3..], ["PutItem"; 6]);
    let log = create.stop();
    assert_eq!(log.matches("INIT RTDONE(status: success)").count(), 1, "{log}");
}

#[tokio::test]
async fn a_panic_is_answered_unquoted_and_the_environment_survives() {
    let world = World::start().await;
    let panics = Function::start("panics", &world).await;
    for _ in 0..2 {
        let (status, body) = answer(&panics.invoke(&events::create(&world.secret_key)).await);
        let expected = json!({ "code": "server_error", "message": "An unexpected error occurred" });
        assert_eq!((status, &body["error"]), (500, &expected));
    }
    let log = panics.stop();
    assert_eq!(log.matches("a handler panicked").count(), 2, "{log}");
    assert_eq!(log.matches("shared/api/examples/panics.rs:").count(), 2, "the place: {log}");
    assert_eq!(log.matches("\"outcome\":\"server_error\"").count(), 2, "{log}");
    assert!(!log.contains(&world.secret_key), "{log}");
    assert_eq!(log.matches("INIT RTDONE(status: success)").count(), 1, "{log}");
}

#[tokio::test]
async fn what_is_no_event_is_an_error_of_the_invocation_that_does_not_quote_it() {
    let world = World::start().await;
    let get = Function::start("get-session", &world).await;
    let refused = get.invoke(&json!({ "token": world.secret_key })).await;
    let message = "not an API Gateway event of payload format 2.0";
    assert_eq!(refused["errorMessage"], json!(message), "{refused}");
    let (status, _) = answer(&get.invoke(&events::get("x")).await);
    assert_eq!(status, 401);
    let log = get.stop();
    assert!(!log.contains(&world.secret_key), "{log}");
    assert_eq!(log.matches("INIT RTDONE(status: success)").count(), 1, "{log}");
}

#[tokio::test]
async fn a_silent_engine_is_answered_before_the_timeout() {
    let world = World::start().await;
    let create = Function::start("create-session", &world).await;
    world.wire.fail(repeat_n(Fault::Silent, 100));
    let unavailable = create.invoke(&events::create(&world.secret_key)).await;
    assert_eq!(answer(&unavailable).0, 503, "{unavailable}");
    assert_eq!(unavailable["headers"]["retry-after"], json!("1"));
    world.wire.fail([]);
    token(&create.invoke(&events::create(&world.secret_key)).await);
    let log = create.stop();
    assert!(!log.contains("Task timed out"), "{log}");
    assert_eq!(log.matches("INIT RTDONE(status: success)").count(), 1, "{log}");
}

#[tokio::test]
async fn a_timeout_ends_the_environment_and_the_next_one_answers() {
    let world = World::start().await;
    let variables = [("AWS_LAMBDA_FUNCTION_TIMEOUT", "1")];
    let create = Function::with("create-session", &world, &variables).await;
    world.wire.fail(repeat_n(Fault::Silent, 100));
    let timeout = create.invoke(&events::create(&world.secret_key)).await;
    assert!(timeout.to_string().contains("Task timed out after 1.00 seconds"), "{timeout}");
    world.wire.fail([]);
    token(&create.invoke(&events::create(&world.secret_key)).await);
    let log = create.stop();
    assert_eq!(log.matches("INIT RTDONE(status: success)").count(), 2, "{log}");
}

#[tokio::test]
async fn a_missing_setting_is_named_at_the_start() {
    let world = World::start().await;
    let endpoints = ["create-session", "reconnect-session", "get-session", "delete-session"];
    for name in endpoints.into_iter().chain(["provision"]) {
        let function = Function::with(name, &world, &[("SESSIONS_TABLE", "")]).await;
        let failed = function.invoke(&events::create(&world.secret_key)).await;
        assert_eq!(failed, json!(""), "a 502 without a word to the caller");
        let log = function.stop();
        assert!(log.contains("INIT RTDONE(status: error)"), "{log}");
        assert!(log.lines().any(|line| line == "Error: SESSIONS_TABLE is not set"), "{log}");
        assert!(!log.contains(&world.secret_key), "{log}");
    }
}
