//! The whole life of a session, each step in its own function.

use serde_json::{Value, json};
use session::error::BODY_LENGTH_MAX;
use tests::World;

use crate::emulator::Function;
use crate::events::{self, answer, token};

// R1 R9 R10 R11 R12
#[tokio::test]
async fn a_session_lives_through_all_five_functions() {
    let world = World::start().await;
    let time = [("AWS_LAMBDA_FUNCTION_TIMEOUT", "300")];
    let provision = Function::with("provision", &world, &time).await;
    let mut document = events::provision();
    document["environments"][0]["name"] = json!("emulated");
    document["environments"][0]["secret_keys"] = json!([{ "name": "server" }]);
    let report = provision.invoke(&document).await;
    assert_eq!(report["created"].as_array().map(Vec::len), Some(4), "{report}");
    let secret_key = report["secrets"][0]["secret"].as_str().expect("a secret").to_owned();
    let again = provision.invoke(&document).await;
    assert_eq!((&again["created"], &again["secrets"]), (&json!([]), &json!([])), "{again}");
    let refused = provision.invoke(&json!({ "environments": 1 })).await;
    assert_eq!(refused["errorType"], json!("invalid_body"));
    let message = refused["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains(r#""path":["environments"]"#), "{refused}");

    let create = Function::start("create-session", &world).await;
    let minted = create.invoke(&events::create(&secret_key)).await;
    let session = token(&minted);
    assert_eq!(minted["headers"]["content-type"], json!("application/json; charset=utf-8"));
    assert_eq!(minted["isBase64Encoded"], json!(false));

    let get = Function::start("get-session", &world).await;
    let (status, body) = answer(&get.invoke(&events::get(&session)).await);
    assert_eq!((status, &body["data"]["endUser"]["email"]), (200, &json!("ada@example.com")));

    let reconnect = Function::start("reconnect-session", &world).await;
    let reconnection = token(&reconnect.invoke(&events::reconnect(&secret_key)).await);
    let (status, body) = answer(&get.invoke(&events::get(&reconnection)).await);
    assert_eq!((status, &body["data"]["isReconnecting"]), (200, &json!(true)));

    let delete = Function::start("delete-session", &world).await;
    assert_eq!(answer(&delete.invoke(&events::delete(&session)).await), (204, Value::Null));
    for (function, event) in [(&get, events::get(&session)), (&delete, events::delete(&session))] {
        let (status, body) = answer(&function.invoke(&event).await);
        let code = json!("unknown_connect_session_token");
        assert_eq!((status, &body["error"]["code"]), (401, &code), "{body}");
    }

    let functions = [
        (provision, "provisioned", 2),
        (create, "request", 1),
        (get, "request", 3),
        (reconnect, "request", 1),
        (delete, "request", 2),
    ];
    let session = &session[session.len() - 64..];
    let reconnection = &reconnection[reconnection.len() - 64..];
    for (function, message, summaries) in functions {
        let log = function.stop();
        for secret in [&secret_key, session, reconnection, "the secret of the role", "ada@"] {
            assert!(!log.contains(secret), "{log}");
        }
        if message == "provisioned" {
            let created = r#","change":"created","path":"emulated/"#;
            assert_eq!(log.matches(created).count(), 3, "and the environment itself: {log}");
            assert_eq!(log.matches(r#""message":"registry changed","request_id":""#).count(), 4);
        }
        let message = format!("\"message\":\"{message}\"");
        assert_eq!(log.matches(&message).count(), summaries, "{log}");
        let inits = log.matches("INIT RTDONE(status: success)").count();
        assert_eq!(inits, 1, "one environment served them all: {log}");
    }
}

#[tokio::test]
async fn an_event_of_another_route_is_answered_by_every_endpoint() {
    let world = World::start().await;
    for name in ["create-session", "reconnect-session", "get-session", "delete-session"] {
        let function = Function::start(name, &world).await;
        let (status, body) = answer(&function.invoke(&events::generated()).await);
        let code = json!("missing_auth_header");
        assert_eq!((status, &body["error"]["code"]), (401, &code), "{name}: {body}");
        let log = function.stop();
        assert!(log.contains(r#""route":"$default""#), "{log}");
    }
}

#[tokio::test]
async fn a_function_takes_a_fraction_of_the_smallest_memory_that_lambda_gives() {
    let world = World::start().await;
    let create = Function::start("create-session", &world).await;
    let mut long = events::create(&world.secret_key);
    let body = |length| json!({ "end_user": { "id": "x".repeat(length) } }).to_string();
    long["body"] = json!(body(BODY_LENGTH_MAX - body(0).len()));
    for _ in 0..20 {
        let (status, body) = answer(&create.invoke(&long).await);
        assert_eq!((status, &body["error"]["code"]), (400, &json!("invalid_body")));
        token(&create.invoke(&events::create(&world.secret_key)).await);
    }
    // 8.5 MiB were measured: 6.6 of them are pages of the binary, 1.4 the heap after bodies of the
    // greatest length. The rest is room for another C library and for debris of the allocator.
    let peak = create.memory_peak_kib();
    assert!(peak < 12 * 1024, "{peak} KiB");
}
