//! Delivers an event that is due: reads it, sends it, and records the result.
//!
//! After a failed attempt, the message for the next one is sent before the attempt is recorded. So
//! for whatever number of attempts an item has recorded, the message for the next one exists, and a
//! message for fewer is out of date. If the function is killed in between, the event is sent once
//! more.

use std::time::Instant;

use api::{Error, Timestamp};
use connect::Connect;
use jiff::SignedDuration;
use queue::Message;
use queue::message::receiver;
use session::environment::Environment;
use tables::events::{Delivery, Status, StoredEvent};
use tables::record::{Key, NEXT_SIGNING_KEY, SIGNING_KEY};

use crate::attempt::{self, Verdict};
use crate::schedule;
use crate::signature::{self, Keys};
use crate::state::Deliver;

/// A message may come out this much before its time, since SQS counts in seconds.
const EARLY_MS: i64 = 1_000;

impl Deliver {
    /// Does what a message asks for. An error means that the message must come again.
    pub async fn message(&self, message: Message, now: Timestamp) -> Result<(), Error> {
        if message.due_ms > now.as_millisecond() + EARLY_MS {
            // The wait is longer than the longest delay of SQS, so send the message again.
            return self.send_later(message, now).await;
        }
        let tables = &self.connect.app.tables;
        let (environment_id, id) = (message.environment_id, message.event);
        // If the event is missing, its month is over, or somebody has removed it.
        let Some(mut stored) = tables.event(environment_id, id).await? else { return Ok(()) };
        if stored.delivery.status != Status::Pending {
            if !message.again {
                return Ok(());
            }
            let open =
                Delivery { status: Status::Pending, attempt: 0, due: now, ..stored.delivery };
            if !tables.reopen_event(environment_id, id, &open).await? {
                return Ok(());
            }
            stored.delivery = open;
        } else if message.attempt < stored.delivery.attempt {
            return Ok(());
        }
        // The message can be ahead of the item if recording an attempt failed.
        let before = message.attempt.max(stored.delivery.attempt);
        self.attempt(&stored, before, now).await
    }

    /// Sends the event, after `before` failed attempts.
    async fn attempt(
        &self,
        stored: &StoredEvent,
        before: u32,
        now: Timestamp,
    ) -> Result<(), Error> {
        let StoredEvent { environment_id, event, .. } = stored;
        let app = &self.connect.app;
        let environment = app.grants.environment(&app.tables, *environment_id, now).await?;
        let Some(environment) = environment else {
            // The environment was removed, so nobody needs the webhook.
            let delivery = ended(Status::Failed, before + 1, now, "environment_removed");
            app.tables.note_attempt(*environment_id, event.id, &delivery).await?;
            return Ok(());
        };
        let keys = signing_keys(self.connect, &environment, now).await?;
        let with_legacy = environment.webhooks.as_ref().is_some_and(|own| own.legacy_signature);
        let headers =
            signature::headers(event, &keys, with_legacy, now).map_err(Error::internal)?;

        let started = Instant::now();
        let (verdict, last) = attempt::send(&self.connect.outbound, event, headers, now).await;
        let took = SignedDuration::try_from(started.elapsed()).unwrap_or_default();
        let now = now.saturating_add(took).unwrap_or(now);

        let failed = before + 1;
        let wait = match verdict {
            Verdict::Failed(retry_after) => schedule::wait(failed, retry_after),
            Verdict::Arrived | Verdict::Gone => None,
        };
        let delivery = match (verdict, wait) {
            (Verdict::Arrived, _) => ended(Status::Delivered, before, now, &last),
            (_, None) => ended(Status::Failed, failed, now, &last),
            (_, Some(wait)) => Delivery {
                status: Status::Pending,
                attempt: failed,
                due: now.saturating_add(wait).unwrap_or(Timestamp::MAX),
                last: Some(last.clone()),
            },
        };
        log(stored, &delivery, failed, took, wait);
        if wait.is_some() {
            let message = Message {
                environment_id: *environment_id,
                event: event.id,
                attempt: delivery.attempt,
                due_ms: delivery.due.as_millisecond(),
                receiver: receiver(&event.url),
                again: false,
            };
            self.send_later(message, now).await?;
        }
        // If another invocation has recorded as many attempts, its message continues, and this
        // one's is out of date.
        app.tables.note_attempt(*environment_id, event.id, &delivery).await?;
        Ok(())
    }

    async fn send_later(&self, message: Message, now: Timestamp) -> Result<(), Error> {
        let sent = self.queue.send(&[message], now).await;
        sent.map_err(|not_sent| Error::Unavailable(not_sent.cause))
    }
}

fn ended(status: Status, attempt: u32, now: Timestamp, last: &str) -> Delivery {
    Delivery { status, attempt, due: now, last: Some(last.to_owned()) }
}

/// Opens the keys that sign an environment's webhooks.
pub async fn signing_keys(
    connect: &Connect,
    environment: &Environment,
    now: Timestamp,
) -> Result<Keys, Error> {
    let secrets = connect.secrets(environment, now);
    let key = Key::environment(environment.id);
    let sealed = &environment.signing_keys;
    let mut keys = Keys::default();
    for (sealed, attribute, opened) in [
        (&sealed.current, SIGNING_KEY, &mut keys.current),
        (&sealed.next, NEXT_SIGNING_KEY, &mut keys.next),
    ] {
        if let Some(sealed) = sealed {
            *opened = Some(secrets.open(&key, attribute, sealed).await?);
        }
    }
    Ok(keys)
}

/// Logs an attempt. It names the receiver by its origin, since the path of the URL may be secret.
fn log(
    stored: &StoredEvent,
    delivery: &Delivery,
    attempt: u32,
    took: SignedDuration,
    wait: Option<SignedDuration>,
) {
    let event = stored.event.id.to_string();
    let environment_id = stored.environment_id.to_string();
    let receiver = receiver(&stored.event.url);
    let status = delivery.last.as_deref().unwrap_or_default();
    let duration_ms = took.as_secs_f64() * 1e3;
    let wait_s = wait.map(|wait| wait.as_secs());
    macro_rules! line {
        ($level:ident, $message:literal) => {
            tracing::$level!(
                event,
                environment_id,
                receiver,
                attempt,
                status,
                duration_ms,
                wait_s,
                $message
            )
        };
    }
    match (delivery.status, wait) {
        (Status::Delivered, _) => line!(info, "webhook delivered"),
        (_, Some(_)) => line!(warn, "webhook not delivered"),
        // The metric filter of the template counts these lines.
        (_, None) => line!(error, "webhook failed for good"),
    }
}
