//! Compares a document with the registry, and plans the writes that make them agree.

use std::collections::{BTreeMap, HashSet};

use api::Timestamp;
use session::connect_ui::ConnectUi;
use session::fields::Issues;
use session::webhooks::SigningKeys;
use tables::Tables;
use tables::record::{Key, Record, Settings};
use tables::transaction::Change;
use vault::Vault;

use crate::document::{Document, EnvironmentDocument};
use crate::planner::{Effect, Plan, Planner, Step};
use crate::report::Failure;
use crate::stored::Found;

/// Compares a document with the stored state, and returns a plan for each environment. If the
/// document refers to things that do not exist, it fails with all issues.
pub async fn plan(
    tables: &Tables,
    vault: &Vault,
    document: &Document,
    now: Timestamp,
) -> Result<Vec<Plan>, Failure> {
    let now_ms = now.as_millisecond();
    let found = Found::read(tables, document, now_ms).await?;
    let mut issues = Issues::default();
    let mut new_secrets = HashSet::new();
    let mut plans = Vec::new();
    let environments = document.environments.iter().zip(found.names).zip(found.connections);
    for (index, (((_, content), name), connections)) in environments.enumerate() {
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
                webhooks: None,
                signing_keys: SigningKeys::default(),
                callback_url: None,
            },
        };
        let mut planner = Planner {
            tables,
            vault,
            now,
            now_ms,
            found: &found.items,
            connections: &connections,
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
            Some(content) => planner.environment(content).await?,
            None => planner.remove_environment().await?,
        }
        plans.push(planner.plan);
    }
    issues.finish(Some(plans)).map_err(Failure::Refused)
}

impl Planner<'_> {
    async fn environment(&mut self, desired: &EnvironmentDocument) -> Result<(), Failure> {
        self.settings(desired).await?;
        for (index, (name, key)) in desired.secret_keys.iter().enumerate() {
            self.secret_key(index, name, key);
        }
        for (index, (name, template)) in desired.providers.iter().enumerate() {
            self.provider(index, name, template.as_ref(), desired).await?;
        }
        for (index, (key, integration)) in desired.integrations.iter().enumerate() {
            match integration {
                Some(integration) => self.integration(index, key, integration, desired).await?,
                None => self.remove_integration(key).await?,
            }
        }
        for (index, (integration, id, connection)) in desired.connections.iter().enumerate() {
            self.connection(index, integration, id, connection.as_ref(), desired)?;
        }
        Ok(())
    }

    /// Plans the removal of an environment with everything in it. That includes its branch keys, so
    /// that nothing that was sealed with them ever opens again, not even from a backup of the
    /// connections. A secret key is removed together with its name, and the environment's own name
    /// comes last: if the removal fails halfway, the rest can still be removed by name.
    async fn remove_environment(&mut self) -> Result<(), Failure> {
        let tables = self.tables;
        let label = self.plan.name.text.clone();
        if self.plan.name.revision.is_none() {
            self.plan.unchanged.push(label);
            return Ok(());
        }
        let mut steps = Vec::new();
        let keys = tables.registry_keys(self.id()).await?;
        let (names, items): (Vec<_>, Vec<_>) = keys.into_iter().partition(Key::is_credential);
        for (name, stored) in tables.registry_items(names).await? {
            let mut changes = vec![Change::Delete(name)];
            if let Record::Credential(hash) = stored.record {
                changes.push(Change::Delete(Key::secret_key(&hash)));
            }
            steps.push(changes);
        }
        let settings = Key::environment(self.id());
        let items = items.into_iter().filter(|key| *key != settings);
        steps.extend(items.map(|key| vec![Change::Delete(key)]));
        let connections = tables.connection_ids(self.id(), None).await?;
        let removed = connections.into_iter().map(|(key, id)| Change::DeleteConnection(key, id));
        steps.extend(removed.map(|change| vec![change]));
        for changes in steps {
            self.plan.steps.push(Step { changes, effect: None, secret: None });
        }
        self.step(Effect::Removed, label, vec![Change::Delete(settings)]);
        Ok(())
    }
}
