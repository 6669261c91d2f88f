//! The events table: one item per webhook and receiver, kept for a month.
//!
//! | key | holds |
//! |---|---|
//! | `pk` | `ENV#<environment id>` |
//! | `sk` | the event's id, which begins with the moment at which it was made |
//!
//! An event is written in the same transaction as the change that it reports: `put` is a part of
//! that transaction. Afterwards the item also has the state of the delivery.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_item};
use session::connect_session::timestamp;
use session::event::{Event, EventId};
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::Item;
use crate::tables::Tables;

/// How long an event is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The event will be sent, or sent again.
    Pending,
    /// The receiver has accepted it.
    Delivered,
    /// It will not be sent again, unless an operator asks for it.
    Failed,
}

/// An event, and its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The environment of the event.
    pub environment_id: Uuid,
    /// The event.
    pub event: Event,
    /// Its delivery.
    pub delivery: Delivery,
}

/// The delivery of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its state.
    pub status: Status,
    /// How many attempts have failed.
    pub attempt: u32,
    /// When the next attempt is due; after the last attempt, when that was made.
    pub due: Timestamp,
    /// The result of the last attempt, such as `500` or `timeout`.
    pub last: Option<String>,
}

impl Tables {
    /// The part of a transaction that stores an event.
    pub(crate) fn put(
        &self,
        environment: Uuid,
        event: Event,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.names.events)
            .set_item(Some(from_event(environment, event)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Stores events on their own, for failures: there is no other change to write with them.
    pub async fn put_events(
        &self,
        environment: Uuid,
        events: Vec<Event>,
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut transaction = self.client.transact_write_items();
        for event in events {
            transaction = transaction.transact_items(self.put(environment, event)?);
        }
        Box::pin(transaction.send()).await?;
        Ok(())
    }

    /// An event.
    pub async fn event(
        &self,
        environment: Uuid,
        id: EventId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.names.events)
            .set_key(Some(key(environment, id)))
            .consistent_read(true);
        Box::pin(get.send()).await?.item.map(to_event).transpose()
    }

    /// Records the result of an attempt. `false` if another invocation has delivered the event, or
    /// has recorded as many attempts.
    pub async fn note_attempt(
        &self,
        environment: Uuid,
        id: EventId,
        delivery: &Delivery,
    ) -> Result<bool, StoreError> {
        let condition = match delivery.status {
            // It has arrived, whatever number of attempts others have recorded.
            Status::Delivered => "#status = :pending",
            Status::Pending | Status::Failed => "#status = :pending AND attempt < :attempt",
        };
        self.set_delivery(environment, id, delivery, condition).await
    }

    /// Makes an event pending again whose delivery has ended. `false` if it has not ended, or if
    /// there is no such event.
    pub async fn reopen_event(
        &self,
        environment: Uuid,
        id: EventId,
        delivery: &Delivery,
    ) -> Result<bool, StoreError> {
        let condition = "attribute_exists(pk) AND #status <> :pending";
        self.set_delivery(environment, id, delivery, condition).await
    }

    async fn set_delivery(
        &self,
        environment: Uuid,
        id: EventId,
        delivery: &Delivery,
        condition: &str,
    ) -> Result<bool, StoreError> {
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .client
            .update_item()
            .table_name(&self.names.events)
            .set_key(Some(key(environment, id)))
            .update_expression(
                "SET #status = :status, attempt = :attempt, due_at_ms = :due, last_status = :last",
            )
            .condition_expression(condition)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pending", status(Status::Pending))
            .expression_attribute_values(":status", status(delivery.status))
            .expression_attribute_values(":attempt", number(delivery.attempt.into()))
            .expression_attribute_values(":due", number(delivery.due.as_millisecond()))
            .expression_attribute_values(
                ":last",
                AttributeValue::S(delivery.last.clone().unwrap_or_default()),
            );
        match Box::pin(update.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// The events of an environment that were made at `from` or later and have the status `wanted`,
    /// the oldest first.
    pub async fn events_since(
        &self,
        environment: Uuid,
        from: Timestamp,
        wanted: Status,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.names.events)
            .key_condition_expression("pk = :pk AND sk >= :first")
            .filter_expression("#status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pk", AttributeValue::S(partition(environment)))
            .expression_attribute_values(
                ":first",
                AttributeValue::S(EventId::first_at(from).to_string()),
            )
            .expression_attribute_values(":status", status(wanted));
        let mut items = query.into_paginator().items().send();
        let mut events = Vec::new();
        while let Some(item) = items.next().await {
            events.push(to_event(item?)?);
        }
        Ok(events)
    }
}

fn partition(environment: Uuid) -> String {
    format!("ENV#{environment}")
}

fn key(environment: Uuid, id: EventId) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(partition(environment))),
        ("sk".to_owned(), AttributeValue::S(id.to_string())),
    ])
}

fn status(status: Status) -> AttributeValue {
    AttributeValue::S(
        match status {
            Status::Pending => "pending",
            Status::Delivered => "delivered",
            Status::Failed => "failed",
        }
        .to_owned(),
    )
}

#[derive(Serialize, Deserialize)]
struct EventItem {
    pk: String,
    sk: EventId,
    url: String,
    body: String,
    created_at_ms: i64,
    status: Status,
    attempt: u32,
    due_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_status: Option<String>,
    /// Epoch seconds: DynamoDB's TTL attribute.
    ttl: i64,
}

fn from_event(environment: Uuid, event: Event) -> Result<Item, StoreError> {
    let created_at_ms = event.created_at.as_millisecond();
    Ok(to_item(EventItem {
        pk: partition(environment),
        sk: event.id,
        url: event.url,
        body: event.body,
        created_at_ms,
        status: Status::Pending,
        attempt: 0,
        due_at_ms: created_at_ms,
        last_status: None,
        ttl: event.created_at.as_second() + KEPT.as_secs(),
    })?)
}

/// The event of an item.
pub fn to_event(item: Item) -> Result<StoredEvent, StoreError> {
    let item: EventItem = from_item(item)?;
    let environment = item.pk.strip_prefix("ENV#").and_then(|id| Uuid::try_parse(id).ok());
    let environment_id = environment
        .ok_or_else(|| StoreError::Unexpected("an event without an environment".to_owned()))?;
    Ok(StoredEvent {
        environment_id,
        event: Event {
            id: item.sk,
            url: item.url,
            body: item.body,
            created_at: timestamp(item.created_at_ms),
        },
        delivery: Delivery {
            status: item.status,
            attempt: item.attempt,
            due: timestamp(item.due_at_ms),
            last: item.last_status.filter(|last| !last.is_empty()),
        },
    })
}
