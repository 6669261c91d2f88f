//! Webhooks that an operator sends again.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tables::events::Status;
use tests::receiver::Answer;
use tests::{Flow, Receiver};

async fn ask(flow: &Flow, request: Value) -> Result<Value, Value> {
    let time = Duration::from_mins(1);
    let answer = deliver_webhooks::handle(flow.world.deliver, request, flow.world.now, time).await;
    answer.map_err(|failure| failure.body)
}

#[tokio::test]
async fn one_event_is_sent_again_whatever_became_of_it() {
    let receiver = Receiver::start(Answer::Status(200)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    flow.world.deliver().await;
    let [first] = receiver.take().try_into().expect("one webhook");
    for request in
        [json!({ "event": first.id() }), json!({ "event": first.id(), "environment": "dev" })]
    {
        assert_eq!(ask(&flow, request).await, Ok(json!({ "queued": 1 })));
        flow.world.deliver().await;
        let [again] = receiver.take().try_into().expect("one webhook");
        assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    }

    // One that waits for its next attempt is sent at once, and only once.
    receiver.answer(Answer::Status(500));
    flow.connect_anything().await;
    flow.world.deliver().await;
    let [failed] = receiver.take().try_into().expect("one attempt");
    receiver.answer(Answer::Status(200));
    ask(&flow, json!({ "event": failed.id() })).await.expect("an answer");
    flow.world.deliver().await;
    assert_eq!(receiver.take().len(), 1);
    while flow.world.deliver_next().await {}
    assert_eq!(receiver.take().len(), 0);
}

#[tokio::test]
async fn all_that_failed_since_a_moment_is_sent_again() {
    let receiver = Receiver::start(Answer::Status(410)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    flow.world.deliver().await;
    flow.world.pass_ms(3_600_000);
    let since = flow.world.now;
    for _ in 0..25 {
        flow.connect_anything().await;
    }
    flow.world.deliver().await;
    receiver.take();
    // One that has arrived is not sent again.
    receiver.answer(Answer::Status(200));
    flow.connect_anything().await;
    flow.world.deliver().await;
    receiver.take();

    let request = json!({ "failed_since": since.to_string() });
    assert_eq!(ask(&flow, request.clone()).await, Ok(json!({ "queued": 25 })));
    flow.world.deliver().await;
    assert_eq!(receiver.take().len(), 25);
    assert_eq!(ask(&flow, request).await, Ok(json!({ "queued": 0 })));
}

#[tokio::test]
async fn an_event_that_has_fallen_out_of_the_queue_is_among_them() {
    let receiver = Receiver::start(Answer::Status(500)).await;
    let mut flow = Flow::telling(&receiver).await;
    flow.connect_anything().await;
    flow.world.deliver().await;
    let [webhook] = receiver.take().try_into().expect("one attempt");
    let reader = flow.world.sqs.reader();
    flow.world.pass_ms(7_200_000);
    for lost in reader.receive(usize::MAX, flow.world.now) {
        reader.delete(lost.id);
    }
    receiver.answer(Answer::Status(200));
    let since = flow.world.now - SignedDuration::from_hours(3);
    let request = json!({ "failed_since": since.to_string(), "environment": "dev" });
    assert_eq!(ask(&flow, request).await, Ok(json!({ "queued": 1 })));
    flow.world.deliver().await;
    let stored = flow.world.event(webhook.id()).await;
    assert_eq!(stored.delivery.status, Status::Delivered);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_path() {
    let flow = Flow::start().await;
    let id = "019ab8a0-5f4a-7c1e-9d0b-2f5a8f6f1c3d";
    for (request, path) in [
        (json!({}), "event"),
        (json!({ "event": "x" }), "event"),
        (json!({ "event": id }), "event"),
        (json!({ "event": id, "failed_since": "2026-11-25T00:00:00Z" }), "event"),
        (json!({ "failed_since": "yesterday" }), "failed_since"),
        (json!({ "event": id, "environment": "nope" }), "environment"),
    ] {
        let refused = ask(&flow, request.clone()).await.expect_err("a refusal");
        assert_eq!(refused["error"]["errors"][0]["path"], json!([path]), "{request}");
    }
}
