//! Reads the stored state of everything that a document names.

use std::collections::{HashMap, HashSet};

use session::connection::Connection;
use tables::record::{Key, Record, Stored};
use tables::{StoreError, Tables};
use uuid::Uuid;

use crate::document::Document;

/// The name of an environment, and the environment that has it.
#[derive(Debug, Clone)]
pub struct Name {
    pub text: String,
    /// The environment's id; a new random one if no environment has the name.
    pub environment_id: Uuid,
    /// The environment's revision; `None` if no environment has the name.
    pub revision: Option<Uuid>,
    pub created_at_ms: i64,
}

/// The stored state.
pub struct Found {
    /// The names, in the order of the document.
    pub names: Vec<Name>,
    pub items: HashMap<Key, Stored>,
    /// The connections that the document names, for each environment in the order of the document.
    pub connections: Vec<Vec<Connection>>,
}

impl Found {
    /// Reads the names with their revisions first, and everything else after them. So a write that
    /// is conditional on a revision agrees with everything that was read.
    pub async fn read(
        tables: &Tables,
        document: &Document,
        now_ms: i64,
    ) -> Result<Self, StoreError> {
        let keys = document.environments.iter().map(|(name, _)| Key::name(name)).collect();
        let mut stored = tables.registry_items(keys).await?;
        let names: Vec<_> = (document.environments.iter())
            .map(|(name, _)| match stored.remove(&Key::name(name)) {
                Some(Stored {
                    record: Record::Name { environment_id, revision },
                    created_at_ms,
                    ..
                }) => {
                    let text = name.clone();
                    Name { text, environment_id, revision: Some(revision), created_at_ms }
                }
                _ => Name {
                    text: name.clone(),
                    environment_id: Uuid::new_v4(),
                    revision: None,
                    created_at_ms: now_ms,
                },
            })
            .collect();

        let mut items = tables.registry_items(keys_of(document, &names)).await?;
        let behind_names: HashSet<Key> = items
            .values()
            .filter_map(|stored| match &stored.record {
                Record::Credential(hash) => Some(Key::secret_key(hash)),
                _ => None,
            })
            .filter(|key| !items.contains_key(key))
            .collect();
        items.extend(tables.registry_items(behind_names.into_iter().collect()).await?);
        let mut connections = Vec::new();
        for ((_, content), name) in document.environments.iter().zip(&names) {
            let wanted = content.iter().flat_map(|environment| &environment.connections);
            let wanted = wanted.map(|(integration, id, _)| (integration, id));
            connections.push(match name.revision {
                Some(_) => tables.connections_named(name.environment_id, wanted).await?,
                None => Vec::new(),
            });
        }
        Ok(Self { names, items, connections })
    }
}

fn keys_of(document: &Document, names: &[Name]) -> Vec<Key> {
    let mut keys = HashSet::new();
    for ((_, content), name) in document.environments.iter().zip(names) {
        let id = name.environment_id;
        let Some(environment) = content else { continue };
        // Any key with one of the secrets, in whichever environment.
        let secrets = environment.secret_keys.iter().filter_map(|(_, key)| key.secret());
        keys.extend(secrets.map(|secret| Key::secret_key(&secret.hash())));
        if name.revision.is_none() {
            continue;
        }
        keys.insert(Key::environment(id));
        keys.extend(environment.secret_keys.iter().map(|(name, _)| Key::credential(id, name)));
        keys.extend(environment.integrations.iter().map(|(key, _)| Key::integration(id, key)));
        keys.extend(environment.connections.iter().map(|(key, ..)| Key::integration(id, key)));
        keys.extend(environment.providers.iter().map(|(name, _)| Key::provider(id, name)));
        let used = environment.integrations.iter().filter_map(|(_, content)| content.as_ref());
        keys.extend(used.map(|integration| Key::provider(id, &integration.provider)));
    }
    keys.into_iter().collect()
}
