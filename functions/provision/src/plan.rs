//! What to write so that the registry agrees with a document.

use std::collections::{BTreeMap, HashMap, HashSet};

use session::connect_ui::ConnectUi;
use session::connection::ConnectionId;
use session::end_user::EndUser;
use session::fields::Issues;
use session::integration::IntegrationKey;
use tables::record::{Key, Record, Settings};
use tables::transaction::Change;
use tables::{StoreError, Tables};

use crate::document::{
    ConnectionDocument, Document, EnvironmentDocument, IntegrationDocument, Patch,
};
use crate::planner::{Effect, Plan, Planner, Step};
use crate::report::Failure;
use crate::stored::Found;

/// How long a removed key is remembered whose sessions ended with it: the longest life of a session
/// after the longest of a cached key, which can still make one.
const ENDED_KEYS_KEPT_MS: i64 = (604_800 + 3_600) * 1_000;

/// Compares a document with what the registry holds of it: a plan for each environment. Whatever
/// the document names that it must not is told, all at once.
pub async fn plan(tables: &Tables, document: &Document, now_ms: i64) -> Result<Vec<Plan>, Failure> {
    let found = Found::read(tables, document, now_ms).await?;
    let mut issues = Issues::default();
    let mut new_secrets = HashSet::new();
    let mut plans = Vec::new();
    for (index, ((_, content), name)) in document.environments.iter().zip(found.names).enumerate() {
        let index = index.to_string();
        let stored = found.items.get(&Key::environment(name.environment_id));
        let settings = match stored.map(|stored| &stored.record) {
            Some(Record::Environment(settings)) => settings.clone(),
            _ => Settings {
                name: name.text.clone(),
                connect_ui: ConnectUi::default(),
                allow_docs_connect_override: true,
                ended_keys: BTreeMap::new(),
                branch_key: None,
            },
        };
        let mut planner = Planner {
            now_ms,
            found: &found.items,
            issues: &mut issues,
            path: ["environments", &index],
            new_secrets: &mut new_secrets,
            settings,
            plan: Plan {
                name,
                is_removal: content.is_none(),
                steps: Vec::new(),
                unchanged: Vec::new(),
            },
        };
        match content {
            Some(content) => planner.environment(tables, content).await?,
            None => planner.remove_environment(tables).await?,
        }
        plans.push(planner.plan);
    }
    issues.finish(Some(plans)).map_err(Failure::Refused)
}

impl Planner<'_> {
    async fn environment(
        &mut self,
        tables: &Tables,
        desired: &EnvironmentDocument,
    ) -> Result<(), StoreError> {
        self.settings(desired)?;
        for (index, (name, key)) in desired.secret_keys.iter().enumerate() {
            self.secret_key(index, name, key);
        }
        for (key, integration) in &desired.integrations {
            match integration {
                Some(integration) => self.integration(key, integration),
                None => self.remove_integration(tables, key).await?,
            }
        }
        let integrations: HashMap<_, _> =
            desired.integrations.iter().map(|(key, content)| (key, content.is_some())).collect();
        for (index, (integration, id, connection)) in desired.connections.iter().enumerate() {
            let exists = integrations.get(integration).copied().unwrap_or_else(|| {
                self.found.contains_key(&Key::integration(self.id(), integration))
            });
            match connection {
                Some(_) if !exists => {
                    let path = ["connections", &index.to_string(), "integration_id"];
                    self.refuse(&path, "Integration does not exist");
                }
                Some(connection) => self.connection(index, integration, id, connection),
                None => {
                    let label = self.label(&["connections", integration.as_str(), id.as_str()]);
                    let key = Key::connection(self.id(), integration, id);
                    self.remove(label, key, Vec::new());
                }
            }
        }
        Ok(())
    }

    fn settings(&mut self, desired: &EnvironmentDocument) -> Result<(), StoreError> {
        let old = self.settings.clone();
        let connect_ui = old.connect_ui.changed(desired.connect_ui.clone());
        self.settings.connect_ui =
            connect_ui.map_err(|error| StoreError::Unexpected(format!("connect_ui: {error}")))?;
        if let Some(allow) = desired.allow_docs_connect_override {
            self.settings.allow_docs_connect_override = allow;
        }
        let label = self.plan.name.text.clone();
        if self.plan.name.revision.is_none() {
            self.step(Effect::Created, label, vec![self.put_settings()]);
        } else if self.settings != old {
            self.step(Effect::Changed, label, vec![self.put_settings()]);
        } else {
            self.plan.unchanged.push(label);
        }
        // What is too old to matter leaves with the next write, and is no reason for one.
        let oldest_ms = self.now_ms - ENDED_KEYS_KEPT_MS;
        self.settings.ended_keys.retain(|_, at_ms| *at_ms > oldest_ms);
        Ok(())
    }

    fn integration(&mut self, unique_key: &IntegrationKey, desired: &IntegrationDocument) {
        let label = self.label(&["integrations", unique_key.as_str()]);
        let key = Key::integration(self.id(), unique_key);
        let (current, client) = match self.found.get(&key).map(|stored| &stored.record) {
            Some(Record::Integration { display_name, client, .. }) => {
                (display_name.clone(), client.clone())
            }
            _ => (None, None),
        };
        let display_name = desired.display_name.apply(current);
        let provider = desired.provider.clone();
        self.upsert(label, key, Record::Integration { provider, display_name, client });
    }

    /// Its connections go with it.
    async fn remove_integration(
        &mut self,
        tables: &Tables,
        unique_key: &IntegrationKey,
    ) -> Result<(), StoreError> {
        let label = self.label(&["integrations", unique_key.as_str()]);
        let connections = tables.registry_keys(self.id(), Some(unique_key)).await?;
        self.remove(label, Key::integration(self.id(), unique_key), connections);
        Ok(())
    }

    fn connection(
        &mut self,
        index: usize,
        integration: &IntegrationKey,
        id: &ConnectionId,
        desired: &ConnectionDocument,
    ) {
        let key = Key::connection(self.id(), integration, id);
        let (end_user, tags) = match self.found.get(&key).map(|stored| &stored.record) {
            Some(Record::Connection { end_user, tags }) => (end_user.clone(), tags.clone()),
            _ => Default::default(),
        };
        let organization = end_user.as_ref().and_then(|end_user| end_user.organization.clone());
        let organization = desired.organization.apply(organization);
        let end_user = desired.end_user.apply(end_user);
        if end_user.is_none() && matches!(desired.organization, Patch::Set(_)) {
            let path = ["connections", &index.to_string(), "organization"];
            return self.refuse(&path, "There is no end user whose organization it could be");
        }
        let record = Record::Connection {
            end_user: end_user.map(|end_user| EndUser { organization, ..end_user }),
            tags: desired.tags.clone().unwrap_or(tags),
        };
        self.upsert(self.label(&["connections", integration.as_str(), id.as_str()]), key, record);
    }

    /// Removes an environment and everything in it. A key goes together with its name, and the
    /// environment's own name goes last: whatever is left of it when that fails can be removed by
    /// name.
    async fn remove_environment(&mut self, tables: &Tables) -> Result<(), StoreError> {
        let label = self.plan.name.text.clone();
        if self.plan.name.revision.is_none() {
            self.plan.unchanged.push(label);
            return Ok(());
        }
        let keys = tables.registry_keys(self.id(), None).await?;
        let (names, items): (Vec<_>, Vec<_>) = keys.into_iter().partition(Key::is_credential);
        for (name, stored) in tables.registry_items(names).await? {
            let mut changes = vec![Change::Delete(name)];
            if let Record::Credential(hash) = stored.record {
                changes.push(Change::Delete(Key::secret_key(&hash)));
            }
            self.plan.steps.push(Step { changes, effect: None, secret: None });
        }
        let settings = Key::environment(self.id());
        for key in items.into_iter().filter(|key| *key != settings) {
            let changes = vec![Change::Delete(key)];
            self.plan.steps.push(Step { changes, effect: None, secret: None });
        }
        self.step(Effect::Removed, label, vec![Change::Delete(settings)]);
        Ok(())
    }
}
