//! Webhooks arrive whatever the receiver does and however long it takes. The clocks are simulated,
//! the receivers are real servers.

use std::time::{Duration, Instant};

use deliver_webhooks::schedule::WAITS;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tables::events::Status;
use tests::receiver::Answer;
use tests::{Flow, Receiver, World};

/// Delivers until a moment.
async fn deliver_until(world: &mut World, end: Timestamp) {
    while world.sqs.reader().next_due().is_some_and(|due| due <= end) {
        world.deliver_next().await;
    }
    world.set_time(end);
}

#[tokio::test]
async fn a_webhook_arrives_at_once_and_once() {
    let receiver = Receiver::start(Answer::Status(204)).await;
    let flow = Flow::telling(&receiver).await;
    let id = flow.connect_anything().await;
    assert_eq!(flow.world.deliver().await, 1);
    let [webhook] = receiver.take().try_into().expect("one webhook");
    assert!(webhook.body.contains(&id), "{webhook:?}");
    assert_eq!(webhook.header("content-type"), Some("application/json"));
    assert_eq!(webhook.header("accept"), Some("application/json, text/plain, */*"));
    let stored = flow.world.event(webhook.id()).await;
    assert_eq!(stored.event.body, webhook.body);
    assert_eq!(stored.delivery.status, Status::Delivered);
    assert_eq!(stored.delivery.last.as_deref(), Some("204"));
    assert_eq!(flow.world.deliver().await, 0);
    assert_eq!(flow.world.sqs.reader().count(), 0);
}

// D45
#[tokio::test]
async fn whatever_is_no_success_is_tried_again() {
    let cases = [
        (Answer::Status(404), "404"),
        (Answer::Status(500), "500"),
        (Answer::Status(429), "429"),
        (Answer::Status(401), "401"),
        (Answer::With(302, "location", "https://example.com/".to_owned()), "302"),
        (Answer::With(307, "location", "http://169.254.169.254/latest".to_owned()), "307"),
        (Answer::Cut, "connection_broken"),
    ];
    for (answer, status) in cases {
        let receiver = Receiver::start(answer).await;
        let mut flow = Flow::telling(&receiver).await;
        flow.connect_anything().await;
        flow.world.deliver().await;
        let [first] = receiver.take().try_into().expect("one attempt");
        let stored = flow.world.event(first.id()).await;
        assert_eq!(stored.delivery.status, Status::Pending, "{status}");
        assert_eq!((stored.delivery.attempt, stored.delivery.last.as_deref()), (1, Some(status)));
        let wait = stored.delivery.due.duration_since(flow.world.now);
        assert!(wait >= WAITS[0] && wait < WAITS[0] * 2, "{status}: {wait}");

        receiver.answer(Answer::Status(200));
        assert!(flow.world.deliver_next().await);
        let [second] = receiver.take().try_into().expect("one more attempt");
        assert_eq!((second.id(), &second.body), (first.id(), &first.body), "{status}");
        let stored = flow.world.event(first.id()).await;
        assert_eq!(stored.delivery.status, Status::Delivered, "{status}");
        assert!(!flow.world.deliver_next().await, "{status}");
    }
}

#[tokio::test]
async fn gone_ends_it() {
    let receiver = Receiver::start(Answer::Status(410)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    flow.world.deliver().await;
    let [webhook] = receiver.take().try_into().expect("one attempt");
    let stored = flow.world.event(webhook.id()).await;
    assert_eq!(stored.delivery.status, Status::Failed);
    assert_eq!(stored.delivery.last.as_deref(), Some("410"));
    assert!(!flow.world.deliver_next().await);
}

#[tokio::test]
async fn a_receiver_that_is_dead_for_an_hour_gets_everything_soon_after() {
    let receiver = Receiver::start(Answer::Status(503)).await;
    let mut flow = Flow::telling(&receiver).await;
    let down = flow.world.now;
    let mut ids = Vec::new();
    for minute in 0..12 {
        flow.world.set_time(down + SignedDuration::from_mins(5 * minute));
        ids.push(flow.connect_anything().await);
        flow.world.deliver().await;
        let end = flow.world.now + SignedDuration::from_mins(5);
        deliver_until(&mut flow.world, end).await;
    }
    receiver.take();
    receiver.answer(Answer::Status(200));
    // An event that failed within the last hour waits for its next attempt at most an hour.
    let end = flow.world.now + SignedDuration::from_mins(75);
    deliver_until(&mut flow.world, end).await;
    let arrived = receiver.take();
    for id in &ids {
        assert_eq!(arrived.iter().filter(|webhook| webhook.body.contains(id)).count(), 1);
    }
}

#[tokio::test]
async fn a_receiver_that_is_dead_for_two_days_gets_it_within_the_day() {
    let receiver = Receiver::start(Answer::Status(500)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    flow.world.deliver().await;
    let back = flow.world.now + SignedDuration::from_hours(48);
    deliver_until(&mut flow.world, back).await;
    let failed = receiver.take();
    assert!((9..=11).contains(&failed.len()), "{}", failed.len());
    receiver.answer(Answer::Status(200));
    deliver_until(&mut flow.world, back + SignedDuration::from_hours(29)).await;
    let [webhook] = receiver.take().try_into().expect("one webhook");
    assert!(failed.iter().all(|attempt| attempt.id() == webhook.id()));
    assert_eq!(flow.world.event(webhook.id()).await.delivery.status, Status::Delivered);
}

#[tokio::test]
async fn it_is_tried_twelve_times_over_three_days_and_then_given_up() {
    let receiver = Receiver::start(Answer::Status(500)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    let start = flow.world.now;
    flow.world.deliver().await;
    while flow.world.deliver_next().await {}
    let attempts = receiver.take();
    assert_eq!(attempts.len(), 1 + WAITS.len());
    let took = flow.world.now.duration_since(start);
    let planned: SignedDuration = WAITS.iter().sum();
    assert!(took >= planned && took < planned.mul_f64(1.21), "{took:#}");
    let stored = flow.world.event(attempts[0].id()).await;
    assert_eq!(stored.delivery.status, Status::Failed);
    assert_eq!(stored.delivery.attempt, 12);
    // Each attempt is signed anew.
    let signatures: Vec<_> = attempts.iter().map(|one| one.header("webhook-signature")).collect();
    assert!(signatures.windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test]
async fn what_the_receiver_asks_for_counts_within_limits() {
    for (asked, least, most) in [("1", 5, 6), ("8", 8, 8), ("3600", 10, 10), ("never", 5, 6)] {
        let receiver = Receiver::start(Answer::With(429, "retry-after", asked.to_owned())).await;
        let flow = Flow::telling(&receiver).await;
        flow.connect_anything().await;
        flow.world.deliver().await;
        let [webhook] = receiver.take().try_into().expect("one attempt");
        let due = flow.world.event(webhook.id()).await.delivery.due;
        let wait = due.duration_since(flow.world.now).as_secs_f64();
        let (least, most) = (f64::from(least), f64::from(most) + 0.9);
        assert!((least..=most).contains(&wait), "{asked}: {wait}");
    }
    // A date instead of seconds.
    let receiver = Receiver::start(Answer::Status(200)).await;
    let flow = Flow::telling(&receiver).await;
    let moment = flow.world.now + SignedDuration::from_secs(9);
    let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment);
    receiver.answer(Answer::With(503, "retry-after", text.expect("a date")));
    flow.connect_anything().await;
    flow.world.deliver().await;
    let [webhook] = receiver.take().try_into().expect("one attempt");
    let due = flow.world.event(webhook.id()).await.delivery.due;
    let wait = due.duration_since(flow.world.now).as_secs_f64();
    assert!((7.9..=9.9).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_status_is_enough_however_much_follows_it() {
    for answer in [Answer::Drip, Answer::Flood] {
        let receiver = Receiver::start(answer.clone()).await;
        let flow = Flow::telling(&receiver).await;
        flow.connect_anything().await;
        let started = Instant::now();
        flow.world.deliver().await;
        assert!(started.elapsed() < Duration::from_secs(5), "{answer:?}");
        let [webhook] = receiver.take().try_into().expect("one webhook");
        let stored = flow.world.event(webhook.id()).await;
        assert_eq!(stored.delivery.status, Status::Delivered, "{answer:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_never_answers_has_twenty_seconds() {
    let dead = Receiver::start(Answer::Hang).await;
    let alive = Receiver::start(Answer::Status(200)).await;
    let mut flow = Flow::start().await;
    let webhooks = json!({ "primary_url": dead.url(), "secondary_url": alive.url() });
    flow.world.change_environment(json!({ "webhooks": webhooks })).await;
    flow.connect_anything().await;
    let started = Instant::now();
    flow.world.deliver().await;
    let took = started.elapsed();
    assert!((19..23).contains(&took.as_secs()), "{took:?}");
    // A dead receiver does not affect another one.
    assert_eq!(alive.take().len(), 1);
    let [webhook] = dead.take().try_into().expect("one attempt");
    let stored = flow.world.event(webhook.id()).await;
    assert_eq!(stored.delivery.last.as_deref(), Some("timeout"));
}

// D51
#[tokio::test]
async fn a_receiver_inside_the_network_is_not_called() {
    let mut flow = Flow::start().await;
    for url in ["http://169.254.169.254/latest", "https://10.0.0.1/hooks", "http://example.com/"] {
        flow.world.change_environment(json!({ "webhooks": { "primary_url": url } })).await;
        flow.connect_anything().await;
        flow.world.deliver().await;
        let [event] = flow.world.take_events().await.try_into().expect("one event");
        assert_eq!(event.url, url);
    }
    assert!(flow.provider.webhooks().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_receiver_of_one_environment_does_not_delay_anothers() {
    let dead = Receiver::start(Answer::Hang).await;
    let alive = Receiver::start(Answer::Status(200)).await;
    let flow = Flow::telling(&dead).await;
    let prod = json!({ "name": "prod", "webhooks": { "primary_url": alive.url() } });
    flow.world.provision(json!({ "environments": [prod] })).await.expect("a good document");
    let key = "2c9d4a60-5b7e-4f31-8a2d-6e0f1b3c4d55";
    let session = tests::Call::create(key, &json!({ "tags": {} }));
    let token = flow.world.send(session).await.token();
    let tell_alive = async || {
        flow.connected("/auth/unauthenticated/prod-only", &token, &json!({})).await;
        let started = Instant::now();
        for invocation in flow.world.invocations().await {
            invocation.await;
        }
        assert_eq!(alive.take().len(), 1);
        started.elapsed()
    };
    let alone = tell_alive().await;

    let mut hanging = tokio::task::JoinSet::new();
    for _ in 0..20 {
        flow.connect_anything().await;
    }
    for invocation in flow.world.invocations().await {
        hanging.spawn(invocation);
    }
    let started = Instant::now();
    let mut waiting = 0;
    while waiting < 20 && started.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        waiting += dead.take().len();
    }
    assert!(waiting > 10, "{waiting}");
    let beside = tell_alive().await;
    assert!(beside < alone + Duration::from_secs(1), "{alone:?} {beside:?}");
}
