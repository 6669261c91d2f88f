//! Many webhooks, invocations that are killed after sending and before recording it, and what has
//! arrived in the end. `docs/reliability.md` has the table that this prints:
//!
//! ```sh
//! cargo test --workspace --test contract no_event_of_thousands -- --include-ignored --nocapture
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::SignedDuration;
use serde_json::json;
use session::event::{Event, EventId};
use tests::receiver::{Answer, OnArrival};
use tests::{Receiver, World};
use tokio::task::{AbortHandle, JoinSet};

/// The receivers, and how long each answers 500 before it works.
const WORKS: (&str, SignedDuration) = ("works", SignedDuration::ZERO);
const MINUTE: (&str, SignedDuration) =
    ("answers 500 for a minute, then works", SignedDuration::from_mins(1));
const HOUR: (&str, SignedDuration) =
    ("answers 500 for an hour, then works", SignedDuration::from_hours(1));
const TWO_DAYS: (&str, SignedDuration) =
    ("answers 500 for two days, then works", SignedDuration::from_hours(48));

/// The most events of a world. More are spread over several, because the embedded engine reads its
/// whole stream at each write.
const WORLD_MAX: usize = 500;

/// The running invocations, by the event that each sends.
type Running = Arc<Mutex<HashMap<String, AbortHandle>>>;

/// The result of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Outcome {
    events: usize,
    attempts: usize,
    kills: usize,
    lost: usize,
    twice: usize,
    /// How long after the receiver's recovery the last event arrived for the first time.
    last_after: SignedDuration,
}

impl Outcome {
    fn and(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            attempts: self.attempts + other.attempts,
            kills: self.kills + other.kills,
            lost: self.lost + other.lost,
            twice: self.twice + other.twice,
            last_after: self.last_after.max(other.last_after),
        }
    }
}

/// Every hundredth request that arrives kills the invocation that sent it, before the answer: the
/// receiver has the webhook, but the service does not know.
fn killer(running: &Running, kills: &Arc<Mutex<usize>>) -> OnArrival {
    let (running, kills, arrived) = (Arc::clone(running), Arc::clone(kills), Mutex::new(0));
    Arc::new(move |webhook| {
        let mut arrived = arrived.lock().expect("no panic");
        *arrived += 1;
        if *arrived % 100 == 50
            && let Some(invocation) = running.lock().expect("no panic").get(webhook.id())
        {
            invocation.abort();
            *kills.lock().expect("no panic") += 1;
        }
    })
}

/// An environment whose events go to one receiver.
async fn events(world: &World, receiver: &Receiver, count: usize) -> HashSet<String> {
    let webhooks = json!({ "primary_url": receiver.url(), "signing_key": "secret" });
    let document = json!({ "environments": [{ "name": "dev", "webhooks": webhooks }] });
    world.provision(document).await.expect("a good document");
    world.mint(json!({ "tags": {} })).await;
    let environment = world.environment_id().await;
    let mut ids = HashSet::new();
    while ids.len() < count {
        let some: Vec<_> = (0..50.min(count - ids.len()))
            .map(|number| Event {
                id: EventId::generate(world.now).expect("random bytes"),
                url: receiver.url(),
                body: format!("{{\"number\":{number},\"type\":\"auth\"}}"),
                created_at: world.now,
            })
            .collect();
        ids.extend(some.iter().map(|event| event.id.to_string()));
        let kept = world.deliver.connect.app.tables.put_events(environment, some).await;
        kept.expect("an answer");
    }
    ids
}

/// Sends what is due, with at most 40 invocations at a time.
async fn deliver(world: &World, running: &Running) {
    let reader = world.sqs.reader();
    loop {
        let due = reader.receive(40, world.now);
        if due.is_empty() {
            return;
        }
        let mut invocations = JoinSet::new();
        for message in due {
            let event = queue::Message::parse(&message.body).expect("a message").event.to_string();
            let batch = json!({ "Records": [{
                "messageId": message.id.to_string(),
                "body": message.body,
                "eventSource": "aws:sqs",
            }] });
            let (deliver, now, reader) = (world.deliver, world.now, reader.clone());
            let invocation = invocations.spawn(async move {
                let time = std::time::Duration::from_mins(1);
                let answer = deliver_webhooks::handle(deliver, batch, now, time).await;
                if answer.expect("an answer")["batchItemFailures"] == json!([]) {
                    reader.delete(message.id);
                }
            });
            running.lock().expect("no panic").insert(event, invocation);
        }
        while let Some(ended) = invocations.join_next().await {
            assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
        }
    }
}

async fn run(count: usize, dead_for: SignedDuration) -> Outcome {
    let running = Running::default();
    let kills = Arc::default();
    let receiver = Receiver::with(Answer::Status(500), killer(&running, &kills)).await;
    let mut world = World::start().await;
    let ids = events(&world, &receiver, count).await;
    let back = world.now + dead_for;
    world.forward().await;
    let mut taken: HashMap<String, usize> = HashMap::new();
    let (mut attempts, mut last_after) = (0, SignedDuration::ZERO);
    // Events that are due at nearly the same time are sent concurrently, as on Lambda.
    let step = SignedDuration::from_secs(1).max(dead_for / 1_000);
    loop {
        if world.now >= back {
            receiver.answer(Answer::Status(200));
        }
        let is_back = world.now >= back;
        deliver(&world, &running).await;
        let arrived = receiver.take();
        attempts += arrived.len();
        if is_back {
            for webhook in arrived {
                let times = taken.entry(webhook.id().to_owned()).or_default();
                *times += 1;
                if *times == 1 {
                    last_after = world.now.duration_since(back);
                }
            }
        }
        match world.sqs.reader().next_due() {
            Some(due) => world.set_time(due.max(world.now + step)),
            None => break,
        }
    }
    let lost = ids.iter().filter(|id| !taken.contains_key(*id)).count();
    let twice = taken.values().filter(|count| **count > 1).count();
    let kills = *kills.lock().expect("no panic");
    assert!(taken.keys().all(|id| ids.contains(id)), "an id that no event has");
    Outcome { events: count, attempts, kills, lost, twice, last_after }
}

#[expect(clippy::print_stdout, reason = "the table of docs/reliability.md")]
async fn print(runs: &[(usize, (&str, SignedDuration))]) {
    println!(
        "| events | receiver | attempts | killed after sending | lost | arrived twice | \
         the last was there after | took |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (count, (receiver, dead_for)) in runs {
        let started = Instant::now();
        let mut outcome = Outcome::default();
        while outcome.events < *count {
            let part = run(WORLD_MAX.min(count - outcome.events), *dead_for).await;
            outcome = outcome.and(part);
        }
        let Outcome { events, attempts, kills, lost, twice, last_after } = outcome;
        let took = started.elapsed().as_secs_f64();
        println!(
            "| {events} | {receiver} | {attempts} | {kills} | {lost} | {twice} | \
             {last_after:#.0} | {took:.1} s |"
        );
        assert_eq!(lost, 0);
        assert!(kills > 0, "nothing was killed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_and_duplicates_carry_the_same_id() {
    print(&[(100, WORKS), (100, MINUTE)]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; docs/reliability.md has its table"]
async fn no_event_of_thousands_is_lost() {
    // A wait of two days takes hops of 15 minutes: some 250 for each event.
    print(&[(10_000, WORKS), (2_000, MINUTE), (1_000, HOUR), (100, TWO_DAYS)]).await;
}
