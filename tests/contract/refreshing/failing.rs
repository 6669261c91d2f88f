//! Renewals that fail: what they store, and what each reader then gets.

use serde_json::{Value, json};
use tests::Reply;
use tests::token_endpoint::{TokenReply, TokenRequest};

use super::{Renewing, assert_token, import, numbered};

const FAILED: &str = "The external API returned an error when trying to refresh the access token. \
                      Please try again later.";
const BACKING_OFF: &str = "A recent refresh attempt failed. Backing off before retrying.";
const EXHAUSTED: &str = "The refresh limit has been reached for this connection.";

fn refuse(status: u16, code: &str) -> TokenReply {
    TokenReply::json(status, &json!({ "error": code, "error_description": "no" }))
}

fn revoked(_: usize, _: &TokenRequest) -> TokenReply {
    refuse(400, "invalid_grant")
}

/// The answer to a read of a connection without working credentials.
#[track_caller]
fn assert_refused(reply: &Reply, status: u16, message: &str) -> Value {
    assert_eq!(reply.status, status, "{reply:?}");
    let body = reply.json();
    let error = &body["error"];
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("invalid_credentials"), &json!(message))
    );
    let start = r#"{"error":{"code":"invalid_credentials","message":""#;
    assert!(reply.body.starts_with(start), "{}", reply.body);
    let connection = &error["payload"]["connection"];
    assert_eq!(connection["credentials"], json!({}));
    let errors = connection["errors"].as_array().expect("a list");
    assert_eq!((errors.len(), &errors[0]["type"]), (1, &json!("auth")));
    assert!(errors[0]["log_id"].as_str().is_some_and(|id| !id.is_empty()));
    for secret in ["at-0", "rt-0"] {
        assert!(!reply.body.contains(secret), "{}", reply.body);
    }
    connection.clone()
}

#[tokio::test]
async fn a_failure_answers_400_with_the_connection_and_stays_until_a_success() {
    let mut renewing = Renewing::start(revoked).await;
    let id = renewing.expired().await;
    assert_eq!(renewing.errors(&id).await, json!([]));
    renewing.flow.world.pass_ms(1_000);
    let told = assert_refused(&renewing.read(&id).await, 400, FAILED);
    let now = format!("{:.3}", renewing.flow.world.now).replace('Z', "+00:00");
    assert_eq!(told["updated_at"], now);
    assert_eq!((&told["connection_id"], &told["last_fetched_at"]), (&json!(id), &json!(now)));
    assert_eq!(renewing.errors(&id).await, told["errors"]);

    // Another failure replaces it.
    let again = assert_refused(&renewing.force(&id).await, 400, FAILED);
    assert_ne!(again["errors"], told["errors"]);
    assert_eq!(renewing.errors(&id).await, again["errors"]);

    renewing.endpoint.answer_with(numbered);
    assert_eq!(renewing.force(&id).await.status, 200);
    assert_eq!(renewing.errors(&id).await, json!([]));
}

#[tokio::test]
async fn for_thirty_seconds_nobody_asks_but_who_insists() {
    let mut renewing = Renewing::start(revoked).await;
    let id = renewing.expired().await;
    let told = assert_refused(&renewing.read(&id).await, 400, FAILED);
    for ms in [0, 29_999] {
        renewing.flow.world.pass_ms(ms);
        let again = assert_refused(&renewing.read(&id).await, 424, BACKING_OFF);
        assert_eq!(again["errors"], told["errors"]);
    }
    assert_eq!(renewing.calls(), 1);
    assert_refused(&renewing.force(&id).await, 400, FAILED);
    assert_eq!(renewing.calls(), 2);
    renewing.flow.world.pass_ms(30_000);
    assert_refused(&renewing.read(&id).await, 400, FAILED);
    assert_eq!(renewing.calls(), 3);
    // A token that is still valid is answered in the meantime.
    renewing.endpoint.answer_with(numbered);
    assert_token(&renewing.force(&id).await, "at-4");
    assert_token(&renewing.read(&id).await, "at-4");
}

#[tokio::test]
async fn connecting_again_or_importing_ends_a_failure() {
    let renewing = Renewing::start(revoked).await;
    let id = renewing.expired().await;
    assert_refused(&renewing.read(&id).await, 400, FAILED);
    let body = json!({
        "provider_config_key": "renewing",
        "connection_id": id,
        "credentials": { "type": "OAUTH2", "access_token": "at-9" },
    });
    assert_eq!(renewing.flow.ask("POST", "/connections", Some(&body)).await.status, 201);
    assert_eq!(renewing.errors(&id).await, json!([]));
    assert_token(&renewing.read(&id).await, "at-9");

    let flow = &renewing.flow;
    let client = json!({ "client_id": "a", "client_secret": "b" });
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let id = flow.connected("/oauth2/auth/cc", &token, &client).await;
    let broken = json!({
        "provider_config_key": "cc",
        "connection_id": id,
        "credentials": {
            "type": "OAUTH2_CC", "token": "t", "client_id": "bad401", "client_secret": "b",
            "expires_at": renewing.moment(-1),
        },
    });
    assert_eq!(flow.ask("POST", "/connections", Some(&broken)).await.status, 201);
    let path = tests::flow::connection_path("cc", &id);
    assert_eq!(flow.ask("GET", &path, None).await.status, 400);
    let session = json!({ "connection_id": id, "integration_id": "cc" });
    let token = flow.world.reconnect(session).await.token();
    flow.connected("/oauth2/auth/cc", &token, &client).await;
    let connection = flow.connection("cc", &id).await;
    assert_eq!(connection["errors"], json!([]));
    assert_eq!(connection["credentials"]["client_id"], "a");
}

/// A grant that was refused on four calendar days is dead until a forced renewal succeeds.
#[tokio::test]
async fn a_grant_that_is_refused_on_four_days_is_asked_for_no_more() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let mut renewing = Renewing::start(revoked).await;
    let id = renewing.expired().await;
    for day in 1..=4 {
        // Two refusals on a day count as one.
        for _ in 0..2 {
            if day < 4 {
                assert_refused(&renewing.read(&id).await, 400, FAILED);
                renewing.flow.world.pass_ms(31_000);
            }
        }
        if day < 4 {
            renewing.flow.world.pass_ms(DAY_MS - 62_000);
        }
    }
    assert_refused(&renewing.read(&id).await, 400, FAILED);
    let calls = renewing.calls();
    renewing.flow.world.pass_ms(2 * DAY_MS);
    assert_refused(&renewing.read(&id).await, 424, EXHAUSTED);
    assert_eq!(renewing.calls(), calls);
    assert_refused(&renewing.force(&id).await, 400, FAILED);
    renewing.endpoint.answer_with(numbered);
    assert_eq!(renewing.force(&id).await.status, 200);
    assert_eq!(renewing.read(&id).await.status, 200);
}

/// A grant is dead if the answer has an error code that says so, wherever it is; no status does.
// D55
#[tokio::test]
async fn only_codes_of_the_grant_count_towards_its_end() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let code = |code: &str| json!({ "error": code });
    let dead = [
        (400, code("invalid_grant")),
        (200, code("invalid_grant")),
        (401, code("invalid_grant")),
        (403, code("invalid_grant")),
        (500, code("invalid_grant")),
        (200, code("bad_refresh_token")),
        (200, json!({ "ok": false, "error": "token_revoked" })),
        (400, json!({ "error": { "code": "invalid_grant", "message": "no" } })),
        (400, json!({ "errors": [{ "code": "invalid_grant" }] })),
        (400, json!({ "code": "invalid_grant" })),
    ];
    let alive = [
        (400, code("invalid_request")),
        (400, code("temporarily_unavailable")),
        (400, json!({})),
        (401, json!({})),
        (403, json!({ "message": "blocked by a firewall" })),
        (404, json!({})),
        (408, json!({})),
        (429, code("slow_down")),
        (500, json!({})),
        (502, json!("bad gateway")),
        (503, json!({ "error": "server_error" })),
        (200, json!({})),
        (200, json!({ "access_token": "" })),
        (200, json!([])),
        (302, json!({})),
    ];
    let dead = dead.into_iter().map(|row| (row, true));
    let rows = dead.chain(alive.into_iter().map(|row| (row, false)));
    let mut renewing = Renewing::start(numbered).await;
    let mut connections = Vec::new();
    for (row, is_dead) in rows {
        connections.push((renewing.expired().await, row, is_dead));
    }
    for _ in 0..4 {
        for (id, (status, body), _) in &connections {
            let reply = TokenReply::json(*status, body);
            renewing.endpoint.answer_with(move |_, _| reply.clone());
            assert_refused(&renewing.read(id).await, 400, FAILED);
            assert_ne!(renewing.errors(id).await, json!([]));
        }
        renewing.flow.world.pass_ms(DAY_MS);
    }
    renewing.endpoint.answer_with(numbered);
    for (id, row, is_dead) in &connections {
        let expected = if *is_dead { 424 } else { 200 };
        assert_eq!(renewing.read(id).await.status, expected, "{row:?}");
    }
}

/// A wrong client of the integration is the operator's fault, not that of a connection.
// D54
#[tokio::test]
async fn a_wrong_client_marks_no_connection_and_all_work_once_it_is_repaired() {
    let wrong = |_: usize, request: &TokenRequest| match request.parameter("client_secret") {
        Some("repaired") => TokenReply::token("at-1", json!({})),
        _ => refuse(401, "invalid_client"),
    };
    let mut renewing = Renewing::start(wrong).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(renewing.expired().await);
    }
    for _ in 0..5 {
        for id in &ids {
            assert_refused(&renewing.read(id).await, 400, FAILED);
            assert_eq!(renewing.errors(id).await, json!([]));
        }
        // The provider is not asked on every read either.
        assert_refused(&renewing.read(&ids[0]).await, 424, BACKING_OFF);
        renewing.flow.world.pass_ms(24 * 60 * 60 * 1_000);
    }
    let repaired = json!({ "integrations": [{
        "unique_key": "renewing",
        "provider": "renewing",
        "credentials": {
            "type": "OAUTH2", "client_id": "id", "client_secret": "repaired", "scopes": "a",
        },
    }] });
    renewing.flow.world.change_environment(repaired).await;
    for id in &ids {
        assert_token(&renewing.read(id).await, "at-1");
    }
}

#[tokio::test]
async fn an_integration_without_a_client_asks_nobody() {
    let renewing = Renewing::start(numbered).await;
    let credentials = json!({
        "type": "OAUTH2", "access_token": "at-0", "refresh_token": "rt-0",
        "expires_at": renewing.moment(-1),
    });
    let id = import(&renewing.flow, "oauth-unconfigured", credentials).await;
    let path = tests::flow::connection_path("oauth-unconfigured", &id);
    assert_refused(&renewing.flow.ask("GET", &path, None).await, 400, FAILED);
    assert_eq!(renewing.flow.provider.calls().len(), 0);
}

/// D33: a provider has ten seconds. A reader that waits for another's renewal gets the same answer.
#[tokio::test]
async fn a_provider_that_is_silent_too_long_fails_for_all_and_kills_nothing() {
    use std::time::{Duration, Instant};
    let late = |_: usize, _: &_| numbered(1, &request()).after(Duration::from_secs(21));
    let mut renewing = Renewing::start(late).await;
    let id = renewing.expired().await;
    let started = Instant::now();
    let (first, second) = tokio::join!(renewing.read(&id), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        renewing.read(&id).await
    });
    assert!((10..13).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let told = assert_refused(&first, 400, FAILED);
    assert_eq!(assert_refused(&second, 400, FAILED)["errors"], told["errors"]);
    assert_eq!(renewing.calls(), 1);

    // A slow answer in time is an answer.
    renewing.flow.world.pass_ms(30_000);
    let slow = |_: usize, _: &_| numbered(9, &request()).after(Duration::from_secs(9));
    renewing.endpoint.answer_with(slow);
    assert_token(&renewing.read(&id).await, "at-9");
}

fn request() -> TokenRequest {
    TokenRequest::default()
}

/// Section 13 of the flow. No webhook reports failures that the integration's client caused.
#[tokio::test]
async fn each_failure_but_the_integrations_own_is_told_by_webhook() {
    let renewing = Renewing::start(revoked).await;
    let id = renewing.expired().await;
    renewing.flow.world.take_events().await;
    assert_refused(&renewing.read(&id).await, 400, FAILED);
    let events = renewing.flow.world.take_events().await;
    let [event] = events.as_slice() else { panic!("one event, not {events:?}") };
    assert!(event.url.ends_with("/primary"), "{}", event.url);
    let told: Value = serde_json::from_str(&event.body).expect("JSON");
    assert_eq!(
        told,
        json!({
            "authMode": "OAUTH2",
            "connectionId": id,
            "environment": "dev",
            "error": { "description": FAILED, "type": "refresh_token_external_error" },
            "from": "nango",
            "operation": "refresh",
            "provider": "renewing",
            "providerConfigKey": "renewing",
            "success": false,
            "tags": {},
            "type": "auth",
        })
    );
    // A webhook is not repeated without a renewal; a forced renewal sends another; a success sends
    // none.
    assert_refused(&renewing.read(&id).await, 424, BACKING_OFF);
    assert_eq!(renewing.flow.world.take_events().await.len(), 0);
    assert_refused(&renewing.force(&id).await, 400, FAILED);
    assert_eq!(renewing.flow.world.take_events().await.len(), 1);
    renewing.endpoint.answer_with(numbered);
    assert_eq!(renewing.force(&id).await.status, 200);
    renewing.endpoint.answer_with(|_, _| refuse(401, "invalid_client"));
    assert_refused(&renewing.force(&id).await, 400, FAILED);
    assert_eq!(renewing.flow.world.take_events().await.len(), 0);
}
