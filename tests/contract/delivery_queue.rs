//! Webhooks between two attempts: in the events table, and in the queue.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use session::event::{Event, EventId};
use tests::receiver::Answer;
use tests::{Flow, Receiver};

#[tokio::test]
async fn an_attempt_that_was_noted_by_somebody_else_is_not_repeated() {
    let receiver = Receiver::start(Answer::Status(500)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    flow.world.deliver().await;
    let [first] = receiver.take().try_into().expect("one attempt");
    let stored = flow.world.event(first.id()).await;
    // SQS delivers a message twice now and then.
    let message = |attempt| queue::Message {
        environment_id: stored.environment_id,
        event: stored.event.id,
        attempt,
        due_ms: flow.world.now.as_millisecond(),
        receiver: "x".to_owned(),
        again: false,
    };
    let queue = &flow.world.deliver.queue;
    queue.send(&[message(0), message(0)], flow.world.now).await.expect("a queue");
    flow.world.deliver().await;
    assert_eq!(receiver.take().len(), 0);
    flow.world.deliver_next().await;
    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn an_event_waits_in_hops_that_cost_nothing() {
    let receiver = Receiver::start(Answer::Status(500)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    flow.world.deliver().await;
    // Until it waits for half an hour or more.
    while receiver.take().len() == 1
        && flow
            .world
            .sqs
            .reader()
            .next_due()
            .is_some_and(|due| due.duration_since(flow.world.now) < SignedDuration::from_mins(14))
    {
        flow.world.deliver_next().await;
    }
    let due = flow.world.sqs.reader().next_due().expect("a hop");
    assert!(due.duration_since(flow.world.now) <= SignedDuration::from_secs(901));
    flow.world.deliver_next().await;
    assert_eq!(receiver.take().len(), 0, "only a hop");
}

#[tokio::test]
async fn an_event_of_an_environment_that_is_gone_ends() {
    let receiver = Receiver::start(Answer::Status(200)).await;
    let flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    let absent = json!({ "environments": [{ "name": "dev", "state": "absent" }] });
    flow.world.provision(absent).await.expect("a good document");
    flow.world.deliver().await;
    assert_eq!(receiver.take().len(), 0);
    assert_eq!(flow.world.sqs.reader().count(), 0);
}

#[test]
fn ids_sort_by_time_and_never_repeat() {
    let now: Timestamp = "2026-11-25T12:00:00Z".parse().expect("a moment");
    let later = now + SignedDuration::from_millis(1);
    let ids: Vec<_> = (0..100).map(|_| EventId::generate(now).expect("random bytes")).collect();
    for id in &ids {
        assert!(EventId::first_at(now) <= *id && *id < EventId::first_at(later));
        assert_eq!(EventId::parse(&id.to_string()), Some(*id));
    }
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 100);
    let event = Event {
        id: ids[0],
        url: "https://hooks.example.com/secret-path?x=1".to_owned(),
        body: String::new(),
        created_at: now,
    };
    assert_eq!(queue::message::receiver(&event.url), "https://hooks.example.com");
}
