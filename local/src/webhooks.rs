//! Lambda's event source mappings: the stream of the events table invokes `queue-webhooks`, and the
//! queue invokes `deliver-webhooks`. The functions are those that AWS runs.

use std::time::Duration;

use api::{InitError, Timestamp};
use deliver_webhooks::Deliver;
use dynoxide::Database;
use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::{GetRecordsRequest, Record};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use queue::{BATCH_MAX, Message};
use serde_json::{Value, json};
use tables::events::Status;
use tables::record::{Key, Record as Stored};
use tokio::task::JoinSet;

use crate::sqs::{Reader, Received};

/// How often the stream and the queue are polled.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The most invocations of `deliver-webhooks` at the same time.
const AT_ONCE_MAX: usize = 100;

/// When a message is received again after a failed invocation.
const COME_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(5);

/// The time that an invocation has.
const TIME_LEFT: Duration = Duration::from_mins(1);

/// Where the reading of the stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At the oldest record that it still holds.
    Oldest,
    /// At what is written from now on.
    Newest,
}

/// The stream of the events table, the queue, and the functions that they invoke.
pub struct Webhooks {
    database: Database,
    iterator: String,
    reader: Reader,
    deliver: &'static Deliver,
}

impl Webhooks {
    /// Reads the stream of `table`.
    pub fn new(
        database: Database,
        table: &str,
        from: Position,
        reader: Reader,
        deliver: &'static Deliver,
    ) -> Result<Self, InitError> {
        let problem = |error: dynoxide::DynoxideError| {
            InitError::new(format!("the stream of {table} cannot be read: {error}"))
        };
        let request =
            ListStreamsRequest { table_name: Some(table.to_owned()), ..Default::default() };
        let streams = database.list_streams(request).map_err(problem)?.streams;
        let Some(stream) = streams.into_iter().next() else {
            return Err(InitError::new(format!("{table} has no stream")));
        };
        let request =
            DescribeStreamRequest { stream_arn: stream.stream_arn.clone(), ..Default::default() };
        let description = database.describe_stream(request).map_err(problem)?.stream_description;
        let shard = description.shards.into_iter().next().map(|shard| shard.shard_id);
        let kind = match from {
            Position::Oldest => "TRIM_HORIZON",
            Position::Newest => "LATEST",
        };
        let request = GetShardIteratorRequest {
            stream_arn: stream.stream_arn,
            shard_id: shard.unwrap_or_default(),
            shard_iterator_type: kind.to_owned(),
            sequence_number: None,
        };
        let iterator = database.get_shard_iterator(request).map_err(problem)?.shard_iterator;
        Ok(Self { database, iterator: iterator.unwrap_or_default(), reader, deliver })
    }

    /// Invokes `queue-webhooks` with the items that were inserted since the last call, and returns
    /// their number. If the invocation fails, the next call reads the same records.
    pub async fn forward(&mut self, now: Timestamp) -> usize {
        let (database, iterator) = (self.database.clone(), self.iterator.clone());
        let request = GetRecordsRequest { shard_iterator: iterator, limit: None };
        let read = tokio::task::spawn_blocking(move || database.get_records(request)).await;
        let (records, next) = match read {
            Ok(Ok(read)) => (read.records, read.next_shard_iterator),
            Ok(Err(error)) => {
                tracing::error!(%error, "the stream of events cannot be read");
                return 0;
            }
            Err(_) => return 0,
        };
        let inserted: Vec<_> =
            records.iter().filter(|record| record.event_name == "INSERT").map(json_of).collect();
        let count = inserted.len();
        if count > 0 {
            let batch = json!({ "Records": inserted });
            let queue = &self.deliver.queue;
            let answer = queue_webhooks::handle(queue, batch, now, TIME_LEFT).await;
            let is_taken = |answer: Value| answer["batchItemFailures"] == json!([]);
            if !answer.is_ok_and(is_taken) {
                return 0;
            }
        }
        if let Some(next) = next {
            self.iterator = next;
        }
        count
    }

    /// At most `most` invocations of `deliver-webhooks`, one for each message that is due.
    pub fn due(&self, most: usize, now: Timestamp) -> Vec<BoxFuture<'static, ()>> {
        let received = self.reader.receive(most, now);
        received
            .into_iter()
            .map(|message| -> BoxFuture<'static, ()> {
                Box::pin(deliver(self.deliver, self.reader.clone(), message, now))
            })
            .collect()
    }

    /// Queues the pending events of an earlier process, whose queue is lost.
    pub async fn recover(&self, now: Timestamp) -> Result<(), InitError> {
        let problem = |error: String| InitError::new(format!("events cannot be read: {error}"));
        let tables = &self.deliver.connect.app.tables;
        let names = tables.environment_names().await;
        let names = names.map_err(|error| problem(format!("{error:?}")))?;
        let keys = names.iter().map(|name| Key::name(name)).collect();
        let found = tables.registry_items(keys).await;
        for stored in found.map_err(|error| problem(format!("{error:?}")))?.into_values() {
            let Stored::Name { environment_id, .. } = stored.record else { continue };
            let events =
                tables.events_since(environment_id, Timestamp::UNIX_EPOCH, Status::Pending);
            let events = events.await.map_err(|error| problem(format!("{error:?}")))?;
            let messages: Vec<_> = events
                .into_iter()
                .map(|stored| Message {
                    environment_id,
                    event: stored.event.id,
                    attempt: stored.delivery.attempt,
                    due_ms: stored.delivery.due.as_millisecond(),
                    receiver: queue::message::receiver(&stored.event.url),
                    again: false,
                })
                .collect();
            for some in messages.chunks(BATCH_MAX) {
                let sent = self.deliver.queue.send(some, now).await;
                sent.map_err(|not_sent| problem(not_sent.cause))?;
            }
        }
        Ok(())
    }

    /// Forwards and delivers until `stop` resolves. A delivery that is under way then is cut off:
    /// its event is still pending, and is sent again after the next start.
    pub async fn run(mut self, clock: fn() -> Timestamp, stop: BoxFuture<'static, ()>) {
        let mut stop = stop;
        let mut timer = tokio::time::interval(LOOK_EVERY);
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut stop => return,
                Some(_) = running.join_next(), if !running.is_empty() => continue,
                _ = timer.tick() => {}
            }
            self.forward(clock()).await;
            for invocation in self.due(AT_ONCE_MAX.saturating_sub(running.len()), clock()) {
                running.spawn(invocation);
            }
        }
    }
}

/// Invokes `deliver-webhooks` with one message.
async fn deliver(deliver: &'static Deliver, reader: Reader, message: Received, now: Timestamp) {
    let id = message.id;
    let batch = json!({ "Records": [{
        "messageId": id.to_string(),
        "body": message.body,
        "eventSource": "aws:sqs",
    }] });
    let answer = deliver_webhooks::handle(deliver, batch, now, TIME_LEFT).await;
    match answer {
        Ok(answer) if answer["batchItemFailures"] == json!([]) => reader.delete(id),
        _ => {
            let again = now.saturating_add(COME_AGAIN_AFTER).unwrap_or(Timestamp::MAX);
            reader.change_visibility(id, again);
        }
    }
}

/// A stream record as Lambda passes it to a function.
fn json_of(record: &Record) -> Value {
    serde_json::to_value(record).unwrap_or_default()
}
