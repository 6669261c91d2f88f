//! What to write so that the registry agrees with a document.

use std::collections::{HashMap, HashSet};

use api::Error;
use session::connect_ui::ConnectUi;
use session::error::WRITE_SESSIONS;
use session::fields::Issues;
use session::integration::IntegrationKey;
use session::secret_key::SecretKeyRecord;
use session::secret_key::{SecretKey, SecretKeyHash};
use sha2::{Digest, Sha256};
use tables::Tables;
use tables::record::{Key, Record, Stored};
use tables::registry::Change;
use uuid::Uuid;

use crate::document::{Desired, Document, EnvironmentDocument, SecretKeyDocument};
use crate::report::{GeneratedSecret, Report};

/// The writes, in groups that belong together, and what to tell the operator once they are done.
pub struct Plan {
    pub changes: Vec<Vec<Change>>,
    pub report: Report,
}

impl Plan {
    /// Compares a document with what the registry holds of it.
    pub async fn of(tables: &Tables, document: Document, now_ms: i64) -> Result<Self, Error> {
        let mut planner = Planner {
            tables,
            now_ms,
            stored: read(tables, &document).await?,
            issues: Issues::default(),
            removed: HashSet::new(),
            new_secrets: HashSet::new(),
            plan: Self { changes: Vec::new(), report: Report::default() },
        };
        for (index, Desired { name, content }) in document.environments.into_iter().enumerate() {
            let path = ["environments".to_owned(), index.to_string()];
            match content {
                Some(content) => planner.environment(&path, &name, content).await?,
                None => planner.remove_environment(&name).await?,
            }
        }
        // New secrets come last: where a write before them fails, none is made that nobody is told.
        let is_new_secret = |change: &Change| matches!(change, Change::Create(..));
        planner.plan.changes.sort_by_key(|group| group.iter().any(is_new_secret));
        planner.issues.finish(Some(planner.plan)).map_err(Error::InvalidBody)
    }
}

/// An environment's id: a UUID v8 of its name's SHA-256 (RFC 9562, appendix B.2), so that a name
/// is looked up without an index and two documents never make two environments of one name.
fn environment_id(name: &str) -> Uuid {
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(name)[..16]);
    Uuid::new_v8(id)
}

/// What the registry holds of everything that the document names.
async fn read(tables: &Tables, document: &Document) -> Result<HashMap<Key, Stored>, Error> {
    let mut keys = HashSet::new();
    for Desired { name, content } in &document.environments {
        let id = environment_id(name);
        keys.insert(Key::environment(id));
        let Some(environment) = content else { continue };
        for key in &environment.secret_keys {
            keys.insert(Key::credential(id, &key.name));
            let secret = key.content.as_ref().and_then(|content| content.secret.as_ref());
            keys.extend(secret.map(|secret| Key::secret_key(&secret.hash())));
        }
        keys.extend(environment.integrations.iter().map(|(key, _)| Key::integration(id, key)));
        for (integration, connection, _) in &environment.connections {
            keys.insert(Key::integration(id, integration));
            keys.insert(Key::connection(id, integration, connection));
        }
    }
    let mut stored = tables.registry_items(keys.into_iter().collect()).await?;
    let named: HashSet<Key> = stored
        .values()
        .filter_map(|stored| match &stored.record {
            Record::Credential(hash) => Some(Key::secret_key(hash)),
            _ => None,
        })
        .filter(|key| !stored.contains_key(key))
        .collect();
    stored.extend(tables.registry_items(named.into_iter().collect()).await?);
    Ok(stored)
}

struct Planner<'a> {
    tables: &'a Tables,
    now_ms: i64,
    stored: HashMap<Key, Stored>,
    issues: Issues,
    removed: HashSet<Key>,
    new_secrets: HashSet<Key>,
    plan: Plan,
}

impl Planner<'_> {
    async fn environment(
        &mut self,
        path: &[String; 2],
        name: &str,
        desired: EnvironmentDocument,
    ) -> Result<(), Error> {
        let id = environment_id(name);
        let key = Key::environment(id);
        let (connect_ui, allow) = match self.stored.get(&key).map(|stored| &stored.record) {
            Some(Record::Environment { connect_ui, allow_docs_connect_override, .. }) => {
                (connect_ui.clone(), *allow_docs_connect_override)
            }
            _ => (ConnectUi::default(), true),
        };
        let settings = Record::Environment {
            name: name.to_owned(),
            connect_ui: desired.connect_ui.unwrap_or(connect_ui),
            allow_docs_connect_override: desired.allow_docs_connect_override.unwrap_or(allow),
        };
        self.upsert(name.to_owned(), key, settings);

        for (index, key) in desired.secret_keys.into_iter().enumerate() {
            let label = format!("{name}/secret_keys/{}", key.name);
            match key.content {
                Some(content) => {
                    let path = [&path[0], &path[1], "secret_keys", &index.to_string(), "secret"];
                    self.secret_key(&path, label, (id, name), &key.name, content);
                }
                None => self.remove_secret_key(label, id, &key.name),
            }
        }
        let mut integrations: HashMap<IntegrationKey, bool> = HashMap::new();
        for (unique_key, content) in desired.integrations {
            let label = format!("{name}/integrations/{}", unique_key.as_str());
            let key = Key::integration(id, &unique_key);
            integrations.insert(unique_key.clone(), content.is_some());
            if let Some(content) = content {
                let display_name = content.display_name.or_else(|| self.display_name(&key));
                let provider = content.provider;
                self.upsert(label, key, Record::Integration { provider, display_name });
            } else {
                let connections = self.tables.registry_keys(id, Some(&unique_key)).await?;
                self.remove(label, key, connections);
            }
        }
        for (index, (unique_key, connection_id, content)) in
            desired.connections.into_iter().enumerate()
        {
            let label =
                format!("{name}/connections/{}/{}", unique_key.as_str(), connection_id.as_str());
            let key = Key::connection(id, &unique_key, &connection_id);
            let Some(content) = content else {
                self.remove(label, key, Vec::new());
                continue;
            };
            let integration = Key::integration(id, &unique_key);
            let exists = integrations.get(&unique_key).copied();
            if !exists.unwrap_or_else(|| self.stored.contains_key(&integration)) {
                let index = index.to_string();
                let path = [&path[0], &path[1], "connections", &index, "integration_id"];
                self.issues.push_at(&path, "custom", "Integration does not exist");
                continue;
            }
            let (end_user, tags) = match self.stored.get(&key).map(|stored| &stored.record) {
                Some(Record::Connection { end_user, tags }) => (end_user.clone(), tags.clone()),
                _ => Default::default(),
            };
            let record = Record::Connection {
                end_user: content.end_user.or(end_user),
                tags: content.tags.unwrap_or(tags),
            };
            self.upsert(label, key, record);
        }
        Ok(())
    }

    /// Makes a secret key, gives it another secret or other scopes, or leaves it.
    fn secret_key(
        &mut self,
        path: &[&str],
        label: String,
        (environment_id, environment): (Uuid, &str),
        name: &str,
        desired: SecretKeyDocument,
    ) {
        let credential = Key::credential(environment_id, name);
        let current = self.named_secret_key(&credential);
        let given = desired.secret.as_ref().map(SecretKey::hash);
        if let Some((hash, record)) =
            current.as_ref().filter(|(hash, _)| given.as_ref().is_none_or(|given| given == hash))
        {
            let scopes = desired.scopes.unwrap_or_else(|| record.scopes.clone());
            let record = SecretKeyRecord { scopes, ..record.clone() };
            return self.upsert(label, Key::secret_key(hash), Record::SecretKey(record));
        }
        let is_taken = |hash: SecretKeyHash| {
            let key = Key::secret_key(&hash);
            self.stored.contains_key(&key) || !self.new_secrets.insert(key)
        };
        if given.is_some_and(is_taken) {
            return self.issues.push_at(path, "custom", "Secret is already in use");
        }
        let secret = desired.secret.unwrap_or_else(|| {
            let secret = SecretKey::generate();
            self.plan.report.secrets.push(GeneratedSecret {
                environment: environment.to_owned(),
                name: name.to_owned(),
                secret: secret.expose().to_owned(),
            });
            secret
        });
        let scopes = desired.scopes.or_else(|| Some(current.as_ref()?.1.scopes.clone()));
        let record = SecretKeyRecord {
            id: Uuid::new_v4(),
            environment_id,
            name: name.to_owned(),
            scopes: scopes.unwrap_or_else(|| vec![WRITE_SESSIONS.to_owned()]),
        };
        let mut group = vec![
            Change::Create(Key::secret_key(&secret.hash()), self.stamp(Record::SecretKey(record))),
            Change::Put(credential, self.stamp(Record::Credential(secret.hash()))),
        ];
        let report = &mut self.plan.report;
        match current {
            Some((hash, _)) => {
                group.push(Change::Delete(Key::secret_key(&hash)));
                report.changed.push(label);
            }
            None => report.created.push(label),
        }
        self.plan.changes.push(group);
    }

    fn remove_secret_key(&mut self, label: String, environment: Uuid, name: &str) {
        let credential = Key::credential(environment, name);
        let hash = self.named_secret_key(&credential).map(|(hash, _)| Key::secret_key(&hash));
        self.remove(label, credential, hash.into_iter().collect());
    }

    /// Removes an environment and everything in it, its secret keys first.
    async fn remove_environment(&mut self, name: &str) -> Result<(), Error> {
        let id = environment_id(name);
        let mut keys = self.tables.registry_keys(id, None).await?;
        let credentials = keys.iter().filter(|key| key.is_credential()).cloned().collect();
        let secret_keys = self.tables.registry_items(credentials).await?;
        keys.splice(
            0..0,
            secret_keys.into_values().filter_map(|stored| match stored.record {
                Record::Credential(hash) => Some(Key::secret_key(&hash)),
                _ => None,
            }),
        );
        keys.retain(|key| *key != Key::environment(id));
        self.remove(name.to_owned(), Key::environment(id), keys);
        Ok(())
    }

    /// The secret key that a name stands for.
    fn named_secret_key(&self, credential: &Key) -> Option<(SecretKeyHash, SecretKeyRecord)> {
        let Record::Credential(hash) = &self.stored.get(credential)?.record else { return None };
        match &self.stored.get(&Key::secret_key(hash))?.record {
            Record::SecretKey(record) => Some((hash.clone(), record.clone())),
            _ => None,
        }
    }

    fn display_name(&self, key: &Key) -> Option<String> {
        match &self.stored.get(key)?.record {
            Record::Integration { display_name, .. } => display_name.clone(),
            _ => None,
        }
    }

    /// Writes a record unless it is there already.
    fn upsert(&mut self, label: String, key: Key, record: Record) {
        let report = &mut self.plan.report;
        let stored = match self.stored.get(&key) {
            Some(stored) if stored.record == record => return report.unchanged.push(label),
            Some(Stored { created_at_ms, .. }) => {
                report.changed.push(label);
                Stored { record, created_at_ms: *created_at_ms, updated_at_ms: self.now_ms }
            }
            None => {
                report.created.push(label);
                self.stamp(record)
            }
        };
        self.plan.changes.push(vec![Change::Put(key, stored)]);
    }

    /// Removes what stands under `key`, after what depends on it.
    fn remove(&mut self, label: String, key: Key, dependent: Vec<Key>) {
        let report = &mut self.plan.report;
        if !self.stored.contains_key(&key) && dependent.is_empty() {
            return report.unchanged.push(label);
        }
        report.removed.push(label);
        for key in dependent.into_iter().chain([key]) {
            // One transaction must not name an item twice.
            if self.removed.insert(key.clone()) {
                self.plan.changes.push(vec![Change::Delete(key)]);
            }
        }
    }

    fn stamp(&self, record: Record) -> Stored {
        Stored { record, created_at_ms: self.now_ms, updated_at_ms: self.now_ms }
    }
}
