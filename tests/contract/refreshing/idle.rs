//! The scheduled function keeps unused grants alive.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tests::Fault;
use tests::token_endpoint::{TokenReply, TokenRequest};

use super::{Renewing, assert_token, import, numbered};

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// A day, and the time that a run takes.
const DAY_MS: i64 = 24 * HOUR_MS + 60_000;
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// Runs the function, and returns its answer.
async fn run(renewing: &Renewing) -> Value {
    let world = &renewing.flow.world;
    let ran = refresh_connections::handle(world.connect, json!({}), world.now, FIVE_MINUTES).await;
    ran.expect("an answer")
}

fn told(renewed: u32, failed: u32) -> Value {
    json!({
        "renewed": renewed, "failed": failed, "skipped": 0, "errors": 0, "is_cut_short": false,
    })
}

#[tokio::test]
async fn a_grant_that_was_idle_for_a_day_is_renewed_and_nobody_has_to_ask() {
    let mut renewing = Renewing::start(numbered).await;
    let id = renewing.connection(3_600, "rt").await;
    renewing.flow.world.pass_ms(24 * HOUR_MS - 1);
    assert_eq!(run(&renewing).await, told(0, 0));
    renewing.flow.world.pass_ms(1);
    assert_eq!(run(&renewing).await, told(1, 0));
    assert_eq!(run(&renewing).await, told(0, 0));
    assert_eq!(renewing.calls(), 1);
    assert_token(&renewing.read(&id).await, "at-1");
    // A day later it is due again, unless a read renews it in between.
    renewing.flow.world.pass_ms(23 * HOUR_MS);
    assert_token(&renewing.read(&id).await, "at-2");
    renewing.flow.world.pass_ms(23 * HOUR_MS);
    assert_eq!(run(&renewing).await, told(0, 0));
    renewing.flow.world.pass_ms(HOUR_MS);
    assert_eq!(run(&renewing).await, told(1, 0));
}

#[tokio::test]
async fn a_provider_says_how_long_its_grants_may_be_idle() {
    let more = json!({ "refresh_idle_ms": 7 * 24 * HOUR_MS });
    let mut renewing = Renewing::with_provider(more, numbered).await;
    renewing.connection(3_600, "rt").await;
    renewing.flow.world.pass_ms(7 * 24 * HOUR_MS - 1);
    assert_eq!(run(&renewing).await, told(0, 0));
    renewing.flow.world.pass_ms(1);
    assert_eq!(run(&renewing).await, told(1, 0));
}

/// A token that lives for 60 days is not renewed each day.
#[tokio::test]
async fn what_has_nothing_to_keep_alive_is_left_alone() {
    let mut renewing = Renewing::start(numbered).await;
    let flow = &renewing.flow;
    let ended = renewing.moment(-1);
    renewing.connection(60 * 24 * 3_600, "rt").await;
    let no_refresh = json!({ "type": "OAUTH2", "access_token": "at", "expires_at": ended });
    let no_end = json!({ "type": "OAUTH2", "access_token": "at", "refresh_token": "rt" });
    for credentials in [no_refresh, no_end] {
        import(flow, "renewing", credentials).await;
    }
    let key = json!({ "type": "API_KEY", "apiKey": "k" });
    import(flow, "key-verify", key).await;
    renewing.flow.world.pass_ms(30 * 24 * HOUR_MS);
    assert_eq!(run(&renewing).await, told(0, 0));
    assert_eq!(renewing.calls(), 0);
}

#[tokio::test]
async fn a_refused_grant_is_tried_again_each_day_until_it_is_exhausted() {
    let refuse =
        |_: usize, _: &TokenRequest| TokenReply::json(400, &json!({ "error": "invalid_grant" }));
    let mut renewing = Renewing::start(refuse).await;
    let id = renewing.expired().await;
    for _ in 0..4 {
        renewing.flow.world.pass_ms(DAY_MS);
        assert_eq!(run(&renewing).await, told(0, 1));
        assert_ne!(renewing.errors(&id).await, json!([]));
    }
    renewing.flow.world.pass_ms(DAY_MS);
    assert_eq!(run(&renewing).await, told(0, 0));
    assert_eq!(renewing.read(&id).await.status, 424);
    // After an outage, the next attempt is earlier.
    renewing.endpoint.answer_with(|_, _| TokenReply::json(503, &json!({})));
    let id = renewing.expired().await;
    renewing.flow.world.pass_ms(DAY_MS);
    assert_eq!(run(&renewing).await, told(0, 1));
    renewing.endpoint.answer_with(numbered);
    renewing.flow.world.pass_ms(HOUR_MS + 60_000);
    assert_eq!(run(&renewing).await, told(1, 0));
    assert_eq!(renewing.errors(&id).await, json!([]));
}

/// It reads the index, a page of each partition, and the due connections, not the whole table.
#[tokio::test]
async fn it_reads_what_is_due_and_nothing_else() {
    let mut renewing = Renewing::start(numbered).await;
    for _ in 0..5 {
        renewing.connection(90 * 24 * 3_600, "rt").await;
    }
    renewing.expired().await;
    renewing.flow.world.pass_ms(24 * HOUR_MS);
    renewing.flow.world.wire.calls();
    assert_eq!(run(&renewing).await, told(1, 0));
    let mut counts: HashMap<String, usize> = HashMap::new();
    for call in renewing.flow.world.wire.calls() {
        *counts.entry(call).or_default() += 1;
    }
    // Environment, connection, integration and its provider; the lease and the result.
    let expected = [("Query", 16), ("GetItem", 4), ("UpdateItem", 2)];
    let expected = expected.map(|(call, count)| (call.to_owned(), count));
    assert_eq!(counts, HashMap::from(expected));
}

#[tokio::test]
async fn a_run_ends_in_time_and_the_next_goes_on() {
    let mut renewing = Renewing::start(numbered).await;
    for _ in 0..3 {
        renewing.expired().await;
    }
    renewing.flow.world.pass_ms(24 * HOUR_MS);
    let world = &renewing.flow.world;
    let short = Duration::from_secs(29);
    let ran = refresh_connections::handle(world.connect, json!({}), world.now, short).await;
    assert_eq!(ran.expect("an answer")["is_cut_short"], true);
    assert_eq!(renewing.calls(), 0);
    assert_eq!(run(&renewing).await, told(3, 0));
}

#[tokio::test]
async fn a_run_that_cannot_read_the_index_fails_and_what_somebody_else_renews_is_skipped() {
    let mut renewing = Renewing::start(numbered).await;
    let id = renewing.expired().await;
    renewing.flow.world.pass_ms(24 * HOUR_MS);
    let world = &renewing.flow.world;
    world.wire.fail([Fault::Failed; 3]);
    let ran = refresh_connections::handle(world.connect, json!({}), world.now, FIVE_MINUTES).await;
    assert_eq!(ran.expect_err("a failure").code, "service_unavailable");

    let slow = |number, request: &_| numbered(number, request).after(Duration::from_millis(800));
    renewing.endpoint.answer_with(slow);
    let (read, ran) = tokio::join!(renewing.read(&id), async {
        while renewing.calls() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        run(&renewing).await
    });
    assert_token(&read, "at-1");
    assert_eq!(ran["skipped"], 1);
    assert_eq!(renewing.calls(), 1);
}

/// Only connections that will be due have the attributes of the index.
#[tokio::test]
async fn the_index_is_sparse() {
    let renewing = Renewing::start(numbered).await;
    renewing.expired().await;
    let key = json!({ "type": "API_KEY", "apiKey": "k" });
    import(&renewing.flow, "key-verify", key).await;
    let items = renewing.flow.world.dump().await;
    let is_connection =
        |item: &&HashMap<String, AttributeValue>| item.contains_key("connection_id");
    let connections: Vec<_> = items.iter().filter(is_connection).collect();
    let due: Vec<_> =
        connections.iter().filter(|item| item.contains_key("refresh_shard")).collect();
    assert_eq!((connections.len(), due.len()), (2, 1));
}
