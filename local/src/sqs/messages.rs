//! The messages of the queue, ordered by the moment from which each is visible.

use std::collections::{BTreeMap, HashMap};

use api::Timestamp;

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its id, which is also its receipt handle.
    pub id: u64,
    /// Its body.
    pub body: String,
}

/// The messages of a queue.
#[derive(Default)]
pub struct Messages {
    by_time: BTreeMap<(Timestamp, u64), String>,
    times: HashMap<u64, Timestamp>,
    last_id: u64,
}

impl Messages {
    /// Adds a message that is visible from `due` on, and returns its id.
    pub fn send(&mut self, body: String, due: Timestamp) -> u64 {
        self.last_id += 1;
        self.insert(self.last_id, body, due);
        self.last_id
    }

    /// At most `most` messages that are visible at `now`. They are invisible until `again`, which
    /// must be later than `now`.
    pub fn receive(&mut self, most: usize, now: Timestamp, again: Timestamp) -> Vec<Received> {
        let mut found = Vec::new();
        while found.len() < most
            && let Some(first) = self.by_time.first_entry()
            && first.key().0 <= now
        {
            let ((_, id), body) = first.remove_entry();
            self.insert(id, body.clone(), again);
            found.push(Received { id, body });
        }
        found
    }

    pub fn delete(&mut self, id: u64) -> Option<String> {
        let time = self.times.remove(&id)?;
        self.by_time.remove(&(time, id))
    }

    pub fn change_visibility(&mut self, id: u64, visible: Timestamp) {
        if let Some(body) = self.delete(id) {
            self.insert(id, body, visible);
        }
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.by_time.first_key_value().map(|((due, _), _)| *due)
    }

    pub fn count(&self) -> usize {
        self.by_time.len()
    }

    fn insert(&mut self, id: u64, body: String, visible: Timestamp) {
        self.by_time.insert((visible, id), body);
        self.times.insert(id, visible);
    }
}
