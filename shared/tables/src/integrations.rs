//! Reads integrations, providers and branch keys, for functions that make and open connections.

use std::collections::HashSet;

use sealing::WrappedBranchKey;
use session::connect_session::timestamp;
use session::integration::{Integration, IntegrationKey};
use session::provider::Provider;
use uuid::Uuid;

use crate::error::StoreError;
use crate::record::{Key, Record, Stored};
use crate::record_item::to_stored;
use crate::tables::Tables;

/// The most integrations of one list. Each takes about 300 bytes of an answer of at most 6 MB.
pub const INTEGRATIONS_LISTED_MAX: usize = 10_000;

impl Tables {
    /// An integration of an environment.
    pub async fn integration(
        &self,
        environment: Uuid,
        key: &IntegrationKey,
    ) -> Result<Option<Integration>, StoreError> {
        let item = self.registry_item(Key::integration(environment, key)).await?;
        Ok(item.and_then(|stored| integration(key.clone(), stored)))
    }

    /// The integrations with these keys that exist in the environment, in no particular order.
    pub async fn integrations_named(
        &self,
        environment: Uuid,
        keys: &[IntegrationKey],
    ) -> Result<Vec<Integration>, StoreError> {
        let unique: HashSet<_> =
            keys.iter().map(|key| Key::integration(environment, key)).collect();
        let items = self.registry_items(unique.into_iter().collect()).await?;
        let known =
            |(key, stored): (Key, Stored)| integration(IntegrationKey::parse(key.label())?, stored);
        Ok(items.into_iter().filter_map(known).collect())
    }

    /// The integrations of an environment, at most [`INTEGRATIONS_LISTED_MAX`] of them.
    pub async fn all_integrations(
        &self,
        environment: Uuid,
    ) -> Result<Vec<Integration>, StoreError> {
        let query = self.between(environment, "INTEGRATION#", "INTEGRATION$");
        let mut items = query.into_paginator().items().send();
        let mut integrations = Vec::new();
        while integrations.len() < INTEGRATIONS_LISTED_MAX
            && let Some(item) = items.next().await
        {
            let (key, stored) = to_stored(item?)?;
            let known = IntegrationKey::parse(key.label());
            integrations.extend(known.and_then(|key| integration(key, stored)));
        }
        Ok(integrations)
    }

    /// A provider that an environment defines.
    pub async fn provider(
        &self,
        environment: Uuid,
        name: &str,
    ) -> Result<Option<Provider>, StoreError> {
        let item = self.registry_item(Key::provider(environment, name)).await?;
        Ok(item.and_then(|stored| provider(name, stored)))
    }

    /// The providers that an environment defines.
    pub async fn providers(&self, environment: Uuid) -> Result<Vec<Provider>, StoreError> {
        let query = self.between(environment, "PROVIDER#", "PROVIDER$");
        let mut items = query.into_paginator().items().send();
        let mut providers = Vec::new();
        while let Some(item) = items.next().await {
            let (key, stored) = to_stored(item?)?;
            providers.extend(provider(key.label(), stored));
        }
        Ok(providers)
    }

    /// A version of an environment's branch key.
    pub async fn branch_key(
        &self,
        environment_id: Uuid,
        version: u32,
    ) -> Result<Option<WrappedBranchKey>, StoreError> {
        match self.registry_item(Key::branch_key(environment_id, version)).await? {
            Some(Stored { record: Record::BranchKey { version, ciphertext }, .. }) => {
                Ok(Some(WrappedBranchKey { environment_id, version, ciphertext }))
            }
            _ => Ok(None),
        }
    }
}

fn integration(key: IntegrationKey, stored: Stored) -> Option<Integration> {
    let Record::Integration { provider, display_name, client } = stored.record else { return None };
    let (created_at, updated_at) = (stored.created_at_ms, stored.updated_at_ms);
    Some(Integration {
        key,
        provider,
        display_name,
        client,
        created_at: timestamp(created_at),
        updated_at: timestamp(updated_at),
    })
}

fn provider(name: &str, stored: Stored) -> Option<Provider> {
    match stored.record {
        Record::Provider(template) => Provider::from_template(name, &template),
        _ => None,
    }
}
