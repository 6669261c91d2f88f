//! Collects the steps that lead from the stored state to that of a document.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use api::Timestamp;
use session::connection::Connection;
use session::fields::Issues;
use tables::Tables;
use tables::record::{Key, Record, Settings, Stored};
use tables::transaction::Change;
use uuid::Uuid;
use vault::Vault;

use crate::report::GeneratedSecret;
use crate::stored::Name;

/// The writes to one environment.
pub struct Plan {
    /// Its name, with the revision that was read before everything else.
    pub name: Name,
    /// Whether the environment itself is removed.
    pub is_removal: bool,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The paths of things that need no change.
    pub unchanged: Vec<String>,
}

/// Changes that belong together: they are written in one transaction.
pub struct Step {
    pub changes: Vec<Change>,
    /// The effect on the thing with this path. A large removal takes many steps, of which only the
    /// last has an effect.
    pub effect: Option<(Effect, String)>,
    /// The secret that was generated for a key in this step.
    pub secret: Option<GeneratedSecret>,
}

/// The effect of a step on a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Created,
    Changed,
    Removed,
}

/// Compares one environment of a document with what is stored.
pub struct Planner<'a> {
    pub tables: &'a Tables,
    pub vault: &'a Vault,
    pub now: Timestamp,
    pub now_ms: i64,
    pub found: &'a HashMap<Key, Stored>,
    /// The connections that the document names and that exist.
    pub connections: &'a [Connection],
    pub issues: &'a mut Issues,
    /// The path of the environment in the document.
    pub path: [&'a str; 2],
    /// The secrets that the document gives to keys, in all environments.
    pub new_secrets: &'a mut HashSet<Key>,
    /// The environment's settings after the change.
    pub settings: Settings,
    pub plan: Plan,
}

impl Planner<'_> {
    pub fn id(&self) -> Uuid {
        self.plan.name.environment_id
    }

    /// The path of a thing in the environment, for people.
    pub fn label(&self, parts: &[&str]) -> String {
        format!("{}/{}", self.plan.name.text, parts.join("/"))
    }

    /// Notes an issue below the environment.
    pub fn refuse(&mut self, path: &[&str], message: impl Into<Cow<'static, str>>) {
        let path = [&self.path[..], path].concat();
        self.issues.push_at(&path, "custom", message);
    }

    /// Writes a record unless it exists already.
    pub fn upsert(&mut self, label: String, key: Key, record: Record) {
        match self.found.get(&key) {
            Some(stored) if stored.record == record => self.plan.unchanged.push(label),
            Some(_) => {
                let put = self.put(key, record);
                self.step(Effect::Changed, label, vec![put]);
            }
            None => {
                let put = self.put(key, record);
                self.step(Effect::Created, label, vec![put]);
            }
        }
    }

    /// Removes the item with `key`, after the items that depend on it.
    pub fn remove(&mut self, label: String, key: Key, dependent: Vec<Key>) {
        if !self.found.contains_key(&key) && dependent.is_empty() {
            return self.plan.unchanged.push(label);
        }
        for key in dependent {
            self.plan.steps.push(Step {
                changes: vec![Change::Delete(key)],
                effect: None,
                secret: None,
            });
        }
        self.step(Effect::Removed, label, vec![Change::Delete(key)]);
    }

    /// Adds a step.
    pub fn step(&mut self, effect: Effect, label: String, changes: Vec<Change>) {
        self.plan.steps.push(Step { changes, effect: Some((effect, label)), secret: None });
    }

    /// A write of a record, which keeps its creation time.
    pub fn put(&self, key: Key, record: Record) -> Change {
        let created_at_ms = self.found.get(&key).map_or(self.now_ms, |stored| stored.created_at_ms);
        Change::Put(key, Stored { record, created_at_ms, updated_at_ms: self.now_ms })
    }

    /// The write of the environment's settings.
    pub fn put_settings(&self) -> Change {
        self.put(Key::environment(self.id()), Record::Environment(self.settings.clone()))
    }
}
