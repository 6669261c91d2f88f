//! A world's webhooks: the stored events, and their delivery, which a test triggers.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::{BoxFuture, join_all};
use session::event::Event;
use tables::events::{StoredEvent, to_event};

use crate::world::World;

impl World {
    /// Forwards and delivers webhooks until none is due, and returns the number of invocations of
    /// `deliver-webhooks`.
    pub async fn deliver(&self) -> usize {
        let mut webhooks = self.webhooks.lock().await;
        let mut invocations = 0;
        loop {
            let forwarded = webhooks.forward(self.now).await;
            let due = webhooks.due(usize::MAX, self.now);
            if forwarded == 0 && due.is_empty() {
                return invocations;
            }
            invocations += due.len();
            join_all(due).await;
        }
    }

    /// The invocations of `deliver-webhooks` that are due, not yet started.
    pub async fn invocations(&self) -> Vec<BoxFuture<'static, ()>> {
        self.forward().await;
        self.webhooks.lock().await.due(usize::MAX, self.now)
    }

    /// Queues new webhooks without sending any.
    pub async fn forward(&self) {
        while self.webhooks.lock().await.forward(self.now).await > 0 {}
    }

    /// Moves the clocks to the moment at which the next webhook is due, and delivers it. Returns
    /// `false` if there is none.
    pub async fn deliver_next(&mut self) -> bool {
        let Some(due) = self.sqs.reader().next_due() else { return false };
        self.set_time(due.max(self.now));
        self.deliver().await;
        true
    }

    /// The stored webhooks with the state of their delivery, the oldest first.
    pub async fn events(&self) -> Vec<StoredEvent> {
        let table = &self.app.settings.tables.events;
        let scan = self.client.scan().table_name(table).into_paginator().items().send();
        let items: Vec<_> = scan.try_collect().await.expect("a scan");
        let events = items.into_iter().map(|item| to_event(item).expect("an event"));
        let mut events: Vec<_> = events.collect();
        events.sort_by_key(|stored| stored.event.id);
        events
    }

    /// One of them.
    pub async fn event(&self, id: &str) -> StoredEvent {
        let mut events = self.events().await.into_iter();
        events.find(|stored| stored.event.id.to_string() == id).expect("an event")
    }

    /// Removes the stored webhooks and returns them, the oldest first, so that the next call
    /// returns newer ones only.
    pub async fn take_events(&self) -> Vec<Event> {
        let events = self.events().await;
        for StoredEvent { environment_id, event, .. } in &events {
            let pk = AttributeValue::S(format!("ENV#{environment_id}"));
            let sk = AttributeValue::S(event.id.to_string());
            let delete = self.client.delete_item().table_name(&self.app.settings.tables.events);
            delete.key("pk", pk).key("sk", sk).send().await.expect("an answer");
        }
        events.into_iter().map(|stored| stored.event).collect()
    }
}
