//! Many simultaneous readers of one connection, in many containers.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use tests::flow::connection_path;
use tests::token_endpoint::{TokenReply, TokenRequest};
use tests::{Call, Reply};

use super::{Renewing, assert_token, numbered};

/// A provider that rotates refresh tokens and treats a second use of one as theft, which ends the
/// grant (RFC 9700 section 4.14.2).
fn rotating() -> impl Fn(usize, &TokenRequest) -> TokenReply + Send + Sync + 'static {
    let used: Mutex<(HashSet<String>, bool)> = Mutex::default();
    move |number, request| {
        let sent = request.parameter("refresh_token").unwrap_or_default().to_owned();
        let mut state = used.lock().expect("no panic");
        if state.1 || !state.0.insert(sent) {
            state.1 = true;
            return TokenReply::json(400, &json!({ "error": "invalid_grant" }));
        }
        let more = json!({ "refresh_token": format!("rt-{number}") });
        TokenReply::token(&format!("at-{number}"), more).after(Duration::from_millis(300))
    }
}

/// Reads a connection `readers` times at once in each of `containers`.
async fn read(renewing: &Renewing, path: &str, containers: usize, readers: usize) -> Vec<Reply> {
    let world = &renewing.flow.world;
    // Patient and warm containers, because one engine has to answer all of them.
    let containers = join_all((0..containers).map(|_| world.other_container())).await;
    let call = Call::new("GET", path).bearer(&world.secret_key);
    let other = connection_path("renewing", &renewing.connection(7_200, "rt").await);
    for (container, _) in &containers {
        let warm = Call::new("GET", &other).bearer(&world.secret_key);
        assert_eq!(warm.send_to(container, world.now).await.status, 200);
    }
    let reads = containers.iter().flat_map(|(container, _)| {
        (0..readers).map(|_| {
            let (call, container, now) = (call.clone(), *container, world.now);
            tokio::spawn(call.send_to(container, now))
        })
    });
    join_all(reads).await.into_iter().map(|reply| reply.expect("no panic")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_readers_in_eight_containers_use_a_refresh_token_once() {
    let renewing = Renewing::start(rotating()).await;
    let id = renewing.expired().await;
    for round in 1..=2 {
        let path = connection_path("renewing", &id) + "&force_refresh=true";
        // The first time the token has expired, the second time the renewal is forced.
        let path = if round == 1 { connection_path("renewing", &id) } else { path };
        for reply in read(&renewing, &path, 8, 8).await {
            assert_token(&reply, &format!("at-{round}"));
        }
        assert_eq!(renewing.calls(), round);
    }
    assert_eq!(renewing.credentials(&id).await["refresh_token"], "rt-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_at_the_same_moment_share_a_failure() {
    let answer = |_: usize, _: &_| {
        let refusal = TokenReply::json(400, &json!({ "error": "invalid_grant" }));
        refusal.after(Duration::from_millis(300))
    };
    let renewing = Renewing::start(answer).await;
    let id = renewing.expired().await;
    let replies = read(&renewing, &connection_path("renewing", &id), 4, 4).await;
    let errors = renewing.errors(&id).await;
    for reply in replies {
        assert!(matches!(reply.status, 400 | 424), "{reply:?}");
        assert_eq!(reply.json()["error"]["payload"]["connection"]["errors"], errors);
    }
    assert_eq!(renewing.calls(), 1);
}

// D57
#[tokio::test]
async fn a_token_that_is_still_good_is_answered_while_it_is_renewed() {
    let answer =
        |number: usize, request: &_| numbered(number, request).after(Duration::from_secs(2));
    let renewing = Renewing::start(answer).await;
    let id = renewing.connection(600, "rt").await;
    let (first, second) = tokio::join!(renewing.read(&id), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let started = std::time::Instant::now();
        let reply = renewing.read(&id).await;
        assert!(started.elapsed() < Duration::from_secs(1));
        reply
    });
    assert_token(&first, "at-1");
    assert_token(&second, "at-0");
    assert_eq!(renewing.calls(), 1);
}

/// A reader that waits for another's renewal does not take it over when the lease ends: its holder
/// may still be storing the only refresh token that works. The next read renews.
// D57
#[tokio::test]
async fn whoever_waits_never_renews() {
    let never = |_: usize, request: &_| numbered(1, request).after(Duration::from_mins(1));
    let mut renewing = Renewing::start(never).await;
    let id = renewing.expired().await;
    let killed = tokio::time::timeout(Duration::from_millis(600), renewing.read(&id)).await;
    assert!(killed.is_err(), "killed");
    assert_eq!(renewing.calls(), 1);
    renewing.endpoint.answer_with(numbered);

    // A second before the lease ends, and then beyond it.
    let world = &renewing.flow.world;
    let call = Call::new("GET", &connection_path("renewing", &id)).bearer(&world.secret_key);
    let reply = call.send_to(world.state, world.now + SignedDuration::from_secs(19)).await;
    let unavailable = json!({ "error": {
        "code": "service_unavailable",
        "message": "The service is temporarily unavailable, try again",
    } });
    reply.assert(503, &unavailable);
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(renewing.calls(), 1);
    renewing.flow.world.pass_ms(21_000);
    assert_token(&renewing.read(&id).await, "at-2");
}

#[tokio::test]
async fn connections_are_renewed_apart() {
    let answer =
        |number: usize, request: &_| numbered(number, request).after(Duration::from_secs(1));
    let renewing = Renewing::start(answer).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(renewing.expired().await);
    }
    let started = std::time::Instant::now();
    for reply in join_all(ids.iter().map(|id| renewing.read(id))).await {
        assert_eq!(reply.status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(renewing.calls(), 4);
}
