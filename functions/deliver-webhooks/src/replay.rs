//! Sends events again at the request of an operator:
//!
//! | request | sends again |
//! |---|---|
//! | `{"event": "<id>"}` | this event, whatever its state |
//! | `{"failed_since": "<timestamp>"}` | events created since then that have not arrived: their delivery has failed, or is overdue by an hour, which never happens by the schedule |
//!
//! With `"environment": "<name>"`, only one environment is searched. The answer is
//! `{"queued": <number>}`. If the time of the invocation runs out, it also has `"next"`: the
//! `failed_since` for another request.

use std::time::{Duration, Instant};

use api::{Error, InvocationFailure, Timestamp, telemetry};
use jiff::SignedDuration;
use queue::message::receiver;
use queue::{BATCH_MAX, Message};
use serde_json::{Value, json};
use session::event::EventId;
use session::fields::{Fields, Issues, text};
use tables::StoreError;
use tables::events::{Status, StoredEvent};
use tables::record::{Key, Record};
use uuid::Uuid;

use crate::state::Deliver;

/// If an event is this late, its message was lost.
const OVERDUE: SignedDuration = SignedDuration::from_hours(1);

/// Stops while there is this much time left.
const RESERVE: Duration = Duration::from_secs(5);

enum Wanted {
    Event(EventId),
    FailedSince(Timestamp),
}

/// Queues the events that the request asks for.
pub async fn replay(
    deliver: &Deliver,
    request: Value,
    now: Timestamp,
    time_left: Duration,
) -> Result<Value, InvocationFailure> {
    let started = Instant::now();
    let is_time_up = || started.elapsed() + RESERVE > time_left;
    queue_wanted(deliver, request, now, is_time_up).await.map_err(|error| {
        if let Error::Internal(cause) | Error::Unavailable(cause) = &error {
            telemetry::failed(error.code(), cause);
        }
        InvocationFailure { code: error.code(), body: error.body() }
    })
}

async fn queue_wanted(
    deliver: &Deliver,
    request: Value,
    now: Timestamp,
    is_time_up: impl Fn() -> bool,
) -> Result<Value, Error> {
    let (wanted, environment) = read(request)?;
    let mut events = Vec::new();
    for environment in environments(deliver, environment).await? {
        events.extend(find(deliver, environment, &wanted, now).await?);
    }
    if let (Wanted::Event(_), []) = (&wanted, events.as_slice()) {
        return Err(issue("event", "Event does not exist"));
    }
    events.sort_by_key(|stored| stored.event.id);
    let mut queued = 0;
    for some in events.chunks(BATCH_MAX) {
        if is_time_up() {
            let next = some.first().map(|stored| stored.event.created_at.to_string());
            return Ok(json!({ "queued": queued, "next": next }));
        }
        let messages: Vec<_> = some.iter().map(|stored| message(stored, now)).collect();
        let sent = deliver.queue.send(&messages, now).await;
        sent.map_err(|not_sent| Error::Unavailable(not_sent.cause))?;
        queued += some.len();
    }
    Ok(json!({ "queued": queued }))
}

fn read(request: Value) -> Result<(Wanted, Option<String>), Error> {
    let mut issues = Issues::default();
    let read = Fields::of(Some(request), &mut issues).map(|mut fields| {
        let environment = fields.optional("environment", text::<1, 255>);
        let event = fields.optional("event", text::<1, 255>);
        let since = fields.optional("failed_since", text::<1, 255>);
        fields.finish();
        (environment, event, since)
    });
    let (environment, event, since) = issues.finish(read).map_err(Error::InvalidBody)?;
    let wanted =
        match (event, since) {
            (Some(id), None) => {
                Wanted::Event(EventId::parse(&id).ok_or_else(|| issue("event", "Not an event id"))?)
            }
            (None, Some(since)) => Wanted::FailedSince(since.parse().map_err(|_| {
                issue("failed_since", "Not a timestamp, such as 2026-11-25T08:00:00Z")
            })?),
            _ => return Err(issue("event", "Give either event or failed_since")),
        };
    Ok((wanted, environment))
}

fn issue(path: &str, message: &'static str) -> Error {
    let mut issues = Issues::default();
    issues.push_at(&[path], "custom", message);
    Error::InvalidBody(issues.into_found())
}

/// The environment with a name, or all environments.
async fn environments(deliver: &Deliver, name: Option<String>) -> Result<Vec<Uuid>, Error> {
    let tables = &deliver.connect.app.tables;
    let is_one = name.is_some();
    let names = match name {
        Some(name) => vec![name],
        None => tables.environment_names().await?,
    };
    let names = tables.registry_items(names.iter().map(|name| Key::name(name)).collect()).await?;
    let ids: Vec<_> = names
        .into_values()
        .filter_map(|stored| match stored.record {
            Record::Name { environment_id, .. } => Some(environment_id),
            _ => None,
        })
        .collect();
    if is_one && ids.is_empty() {
        return Err(issue("environment", "Environment does not exist"));
    }
    Ok(ids)
}

async fn find(
    deliver: &Deliver,
    environment: Uuid,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Vec<StoredEvent>, StoreError> {
    let tables = &deliver.connect.app.tables;
    match wanted {
        Wanted::Event(id) => Ok(tables.event(environment, *id).await?.into_iter().collect()),
        Wanted::FailedSince(since) => {
            let mut events = tables.events_since(environment, *since, Status::Failed).await?;
            let pending = tables.events_since(environment, *since, Status::Pending).await?;
            let is_overdue =
                |stored: &StoredEvent| now.duration_since(stored.delivery.due) > OVERDUE;
            events.extend(pending.into_iter().filter(is_overdue));
            Ok(events)
        }
    }
}

/// The message for an event. A pending event continues with its next attempt, now; any other event
/// starts again with the first.
fn message(stored: &StoredEvent, now: Timestamp) -> Message {
    let is_pending = stored.delivery.status == Status::Pending;
    Message {
        environment_id: stored.environment_id,
        event: stored.event.id,
        attempt: if is_pending { stored.delivery.attempt } else { 0 },
        due_ms: now.as_millisecond(),
        receiver: receiver(&stored.event.url),
        again: true,
    }
}
