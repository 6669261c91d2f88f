//! Faults around the moment at which a refresh token is replaced.

use std::time::Duration;

use serde_json::json;
use tests::Fault;
use tests::flow::connection_path;
use tests::token_endpoint::{TokenReply, TokenRequest};

use super::{Renewing, assert_token, import, numbered};

fn rotating(number: usize, request: &TokenRequest) -> TokenReply {
    match request.parameter("refresh_token") {
        Some(sent) if sent == format!("rt-{}", number - 1) => {
            let more = json!({ "refresh_token": format!("rt-{number}") });
            TokenReply::token(&format!("at-{number}"), more)
        }
        _ => TokenReply::json(400, &json!({ "error": "invalid_grant" })),
    }
}

/// The result is written by the second `UpdateItem`; the first takes the lease.
#[tokio::test]
async fn a_write_that_fails_is_made_again_until_it_succeeds() {
    for faults in [
        vec![Fault::Refused],
        vec![Fault::Failed; 3],
        vec![Fault::Throttled; 7],
        vec![Fault::Broken; 4],
        vec![Fault::AnswerLost],
        vec![Fault::AnswerLost; 4],
        vec![Fault::Silent; 4],
    ] {
        let renewing = Renewing::start(rotating).await;
        let id = renewing.expired().await;
        renewing.flow.world.wire.fail_after("UpdateItem", 1, faults.clone());
        assert_token(&renewing.read(&id).await, "at-1");
        assert_eq!(renewing.credentials(&id).await["refresh_token"], "rt-1", "{faults:?}");
        assert_eq!(renewing.calls(), 1, "{faults:?}");
        // The next renewal works too, so the provider saw no token twice.
        assert_token(&renewing.force(&id).await, "at-2");
    }
}

#[tokio::test]
async fn a_lease_whose_answer_is_lost_is_had() {
    let renewing = Renewing::start(rotating).await;
    let id = renewing.expired().await;
    renewing.flow.world.wire.fail_after("UpdateItem", 0, [Fault::AnswerLost]);
    assert_token(&renewing.read(&id).await, "at-1");
}

/// A write that is given up may have taken the lease all the same. Nobody else could then renew
/// until the lease ends, so its reader tries to take the same lease again.
#[tokio::test]
async fn a_lease_that_is_hard_to_get_is_taken() {
    for faults in [vec![Fault::AnswerLost; 4], vec![Fault::Failed; 4], vec![Fault::Silent; 4]] {
        let renewing = Renewing::start(rotating).await;
        let id = renewing.expired().await;
        renewing.flow.world.wire.fail_after("UpdateItem", 0, faults.clone());
        assert_token(&renewing.read(&id).await, "at-1");
        assert_eq!(renewing.calls(), 1, "{faults:?}");
    }
}

/// The reader that asked the provider also stores the refusal: until then all others wait.
#[tokio::test]
async fn a_failure_that_is_hard_to_write_is_written() {
    let refuse = |_: usize, _: &_| TokenReply::json(400, &json!({ "error": "invalid_grant" }));
    let renewing = Renewing::start(refuse).await;
    let id = renewing.expired().await;
    renewing.flow.world.wire.fail_after("TransactWriteItems", 0, vec![Fault::AnswerLost; 4]);
    assert_eq!(renewing.read(&id).await.status, 400);
    assert_ne!(renewing.errors(&id).await, json!([]));
    assert_eq!(renewing.read(&id).await.status, 424);
    assert_eq!(renewing.calls(), 1);
}

/// A reader that waits for another's renewal looks more than once.
#[tokio::test]
async fn a_look_that_fails_is_followed_by_another() {
    let slow = |number, request: &_| rotating(number, request).after(Duration::from_secs(2));
    let renewing = Renewing::start(slow).await;
    let id = renewing.expired().await;
    let world = &renewing.flow.world;
    let (container, wire) = world.other_container().await;
    let read = |id: &str| {
        let call = tests::Call::new("GET", &connection_path("renewing", id));
        call.bearer(&world.secret_key).send_to(container, world.now)
    };
    let other = renewing.connection(7_200, "rt").await;
    assert_eq!(read(&other).await.status, 200, "warm");
    let (first, second) = tokio::join!(renewing.read(&id), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        wire.fail_after("GetItem", 1, vec![Fault::Failed; 3]);
        read(&id).await
    });
    assert_token(&first, "at-1");
    assert_token(&second, "at-1");
}

/// KMS may fail once the credentials are opened: storing the provider's answer does not need it.
#[tokio::test]
async fn kms_is_not_needed_after_the_provider_was_asked() {
    let slow = |number, request: &_| rotating(number, request).after(Duration::from_millis(500));
    let renewing = Renewing::start(slow).await;
    let id = renewing.expired().await;
    let (reply, ()) = tokio::join!(renewing.read(&id), async {
        while renewing.calls() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        renewing.flow.world.kms.disable_key();
    });
    assert_token(&reply, "at-1");
}

/// The lease of a killed reader ends by itself. Only then does another reader ask the provider.
#[tokio::test]
async fn a_reader_that_is_killed_before_the_provider_has_answered_holds_up_the_others_for_a_lease()
{
    let never = |_: usize, request: &_| numbered(1, request).after(Duration::from_mins(1));
    let mut renewing = Renewing::start(never).await;
    let id = renewing.expired().await;
    let read = tokio::time::timeout(Duration::from_secs(1), renewing.read(&id)).await;
    assert!(read.is_err(), "killed");
    assert_eq!(renewing.calls(), 1);
    renewing.endpoint.answer_with(numbered);
    renewing.flow.world.pass_ms(21_000);
    assert_token(&renewing.read(&id).await, "at-2");
}

/// The one fault that cannot be survived: the provider has replaced the refresh token, and the
/// reader that got the new one is killed before it is stored. The connection has an error that says
/// so.
#[tokio::test]
async fn a_reader_that_is_killed_between_answer_and_write_loses_a_grant_that_rotates() {
    let mut renewing = Renewing::start(rotating).await;
    let id = renewing.expired().await;
    renewing.flow.world.wire.fail_after("UpdateItem", 1, vec![Fault::Silent; 9]);
    let read = tokio::time::timeout(Duration::from_secs(1), renewing.read(&id)).await;
    assert!(read.is_err(), "killed");
    renewing.flow.world.wire.fail([]);
    renewing.flow.world.pass_ms(21_000);
    assert_eq!(renewing.read(&id).await.status, 400);
    assert_ne!(renewing.errors(&id).await, json!([]));
}

/// The late result has the only token that the provider still accepts, so it is stored, and it ends
/// the failure that another reader stored.
#[tokio::test]
async fn a_result_that_comes_after_its_lease_has_ended_is_written_all_the_same() {
    let slow = |number, request: &_| match number {
        1 => rotating(number, request).after(Duration::from_secs(2)),
        _ => TokenReply::json(400, &json!({ "error": "invalid_grant" })),
    };
    let renewing = Renewing::start(slow).await;
    let id = renewing.expired().await;
    let world = &renewing.flow.world;
    let (first, second) = tokio::join!(renewing.read(&id), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let later = world.now + jiff::SignedDuration::from_secs(21);
        let call = tests::Call::new("GET", &connection_path("renewing", &id));
        call.bearer(&world.secret_key).send_to(world.state, later).await
    });
    assert_token(&first, "at-1");
    assert_eq!(second.status, 400);
    assert_eq!(renewing.errors(&id).await, json!([]));
    assert_eq!(renewing.credentials(&id).await["refresh_token"], "rt-1");
}

/// Credentials that were replaced in the meantime are overwritten neither by a result nor by a
/// failure.
#[tokio::test]
async fn what_is_imported_while_the_provider_is_asked_stays() {
    for is_refused in [false, true] {
        let slow = move |number: usize, request: &_| {
            let reply = if is_refused {
                TokenReply::json(400, &json!({ "error": "invalid_grant" }))
            } else {
                rotating(number, request)
            };
            reply.after(Duration::from_millis(800))
        };
        let renewing = Renewing::start(slow).await;
        let id = renewing.expired().await;
        let (reply, ()) = tokio::join!(renewing.read(&id), async {
            while renewing.calls() == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let body = json!({
                "provider_config_key": "renewing",
                "connection_id": id,
                "credentials": {
                    "type": "OAUTH2", "access_token": "at-imported", "refresh_token": "rt-imported",
                },
            });
            let imported = renewing.flow.ask("POST", "/connections", Some(&body)).await;
            assert_eq!(imported.status, 201);
        });
        assert_token(&reply, "at-imported");
        assert_eq!(renewing.credentials(&id).await["refresh_token"], "rt-imported");
        assert_eq!(renewing.errors(&id).await, json!([]));
    }
}

#[tokio::test]
async fn a_connection_that_is_deleted_while_the_provider_is_asked_does_not_come_back() {
    let slow = |number, request: &TokenRequest| match request.path.as_str() {
        "/revoke" => TokenReply::json(200, &json!({})),
        _ => rotating(number, request).after(Duration::from_millis(800)),
    };
    let more = json!({ "revocation_url": "{url}/revoke" });
    let renewing = Renewing::with_provider(more, slow).await;
    let id = renewing.expired().await;
    let path = connection_path("renewing", &id);
    let (reply, ()) = tokio::join!(renewing.read(&id), async {
        while renewing.calls() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(renewing.flow.ask("DELETE", &path, None).await.status, 200);
    });
    assert_eq!(reply.status, 404, "{reply:?}");
    assert_eq!(renewing.read(&id).await.status, 404);
    // The token that the deletion revokes, and the one that was issued too late for it.
    let requests = renewing.endpoint.requests();
    let revoked = requests.iter().filter(|request| request.path == "/revoke");
    let revoked: Vec<_> = revoked.filter_map(|request| request.parameter("token")).collect();
    assert_eq!(revoked, ["rt-0", "rt-1"]);
}

/// A deletion revokes what is stored when it happens, not what was stored when it began.
#[tokio::test]
async fn a_connection_that_is_renewed_while_it_is_deleted_leaves_no_token() {
    let answer = |number, request: &TokenRequest| match request.path.as_str() {
        "/revoke" => TokenReply::json(200, &json!({})),
        _ => rotating(number, request),
    };
    let more = json!({ "revocation_url": "{url}/revoke" });
    let renewing = Renewing::with_provider(more, answer).await;
    let id = renewing.expired().await;
    let world = &renewing.flow.world;
    let other = world.other_container().await.0;
    let call = |method: &str| {
        tests::Call::new(method, &connection_path("renewing", &id)).bearer(&world.secret_key)
    };
    let mut waiting = world.wire.hold();
    let deleting = tokio::spawn(call("DELETE").send_to(world.state, world.now));
    while let Some(held) = waiting.recv().await {
        let is_last = held.operation == "TransactWriteItems";
        if is_last {
            assert_token(&call("GET").send_to(other, world.now).await, "at-1");
        }
        held.release().await;
        if is_last {
            break;
        }
    }
    drop(waiting);
    assert_eq!(deleting.await.expect("no panic").status, 200);
    assert_eq!(renewing.read(&id).await.status, 404);
    let requests = renewing.endpoint.requests();
    let revoked = requests.iter().filter(|request| request.path == "/revoke");
    let revoked: Vec<_> = revoked.filter_map(|request| request.parameter("token")).collect();
    assert_eq!(revoked, ["rt-1"]);
}

/// Credentials have 64 KB. The tokens matter more than what else the provider answers.
#[tokio::test]
async fn an_answer_that_is_too_long_to_be_kept_loses_no_token() {
    let long = |number, request: &_| {
        let mut answer = rotating(number, request);
        answer.body =
            answer.body.replacen('{', &format!("{{\"more\":\"{}\",", "x".repeat(70_000)), 1);
        answer
    };
    let renewing = Renewing::start(long).await;
    let id = renewing.expired().await;
    assert_token(&renewing.read(&id).await, "at-1");
    let credentials = renewing.credentials(&id).await;
    assert_eq!(credentials["refresh_token"], "rt-1");
    assert!(credentials.get("raw").is_none());
}

/// A container with an outdated environment opens what was sealed since.
#[tokio::test]
async fn a_branch_key_that_was_rotated_meanwhile_is_read() {
    let renewing = Renewing::start(rotating).await;
    let world = &renewing.flow.world;
    let id = renewing.expired().await;
    // The warm container caches the environment for a minute.
    assert_token(&renewing.read(&id).await, "at-1");
    let rotation = json!({ "environments": [{ "name": "dev", "rotate_branch_key": true }] });
    world.provision(rotation).await.expect("a good document");
    let other = world.cold();
    let path = connection_path("renewing", &id) + "&force_refresh=true";
    let call = tests::Call::new("GET", &path).bearer(&world.secret_key);
    assert_token(&call.send_to(other, world.now).await, "at-2");
    // The credentials are sealed with a version that this container does not know.
    assert_token(&renewing.read(&id).await, "at-2");
    assert_token(&renewing.force(&id).await, "at-3");
    let id = import(&renewing.flow, "renewing", json!({ "type": "OAUTH2", "access_token": "a" }));
    assert_token(&renewing.read(&id.await).await, "a");
}
