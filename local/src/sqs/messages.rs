//! The messages of the queue, by the moment at which each is due.

use std::collections::{BTreeMap, HashMap};

use api::Timestamp;

/// A message that somebody has received and not deleted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Names it until it is deleted or released.
    pub id: u64,
    /// What it says.
    pub body: String,
}

/// The messages of a queue.
#[derive(Default)]
pub struct Messages {
    waiting: BTreeMap<(Timestamp, u64), String>,
    received: HashMap<u64, String>,
    last_id: u64,
}

impl Messages {
    /// Adds a message that is visible from `due` on, and answers its id.
    pub fn send(&mut self, body: String, due: Timestamp) -> u64 {
        self.last_id += 1;
        self.waiting.insert((due, self.last_id), body);
        self.last_id
    }

    pub fn receive(&mut self, most: usize, now: Timestamp) -> Vec<Received> {
        let mut found = Vec::new();
        while found.len() < most
            && let Some(first) = self.waiting.first_entry()
            && first.key().0 <= now
        {
            let ((_, id), body) = first.remove_entry();
            self.received.insert(id, body.clone());
            found.push(Received { id, body });
        }
        found
    }

    pub fn delete(&mut self, id: u64) {
        self.received.remove(&id);
    }

    pub fn release(&mut self, id: u64, at: Timestamp) {
        if let Some(body) = self.received.remove(&id) {
            self.waiting.insert((at, id), body);
        }
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    pub fn count(&self) -> usize {
        self.waiting.len() + self.received.len()
    }
}
