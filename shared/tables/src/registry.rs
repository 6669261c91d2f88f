//! Reads of the registry table, one method per access pattern. [`record`](crate::record) describes
//! its content, [`transaction`](crate::transaction) writes it.
//!
//! All reads are strongly consistent, so that the next request sees what an operator provisioned.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use session::environment::Environment;
use session::integration::IntegrationKey;
use session::secret_key::{SecretKeyHash, SecretKeyRecord};
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::Item;
use crate::record::{Key, Record, Stored};
use crate::record_item::{integration_key, to_stored};
use crate::tables::Tables;

/// How many integrations of an environment are read with its settings. If it has more, the others
/// are looked up when a session names them.
const INTEGRATIONS_READ_MAX: i32 = 200;

/// The most items of one BatchGetItem (AWS service quotas).
const BATCH_MAX: usize = 100;

/// The first and the longest pause before unprocessed keys of a BatchGetItem are requested again.
const UNPROCESSED_PAUSE: Duration = Duration::from_millis(50);
const UNPROCESSED_PAUSE_MAX: Duration = Duration::from_millis(800);

impl Tables {
    /// A secret key.
    pub async fn secret_key(
        &self,
        hash: &SecretKeyHash,
    ) -> Result<Option<SecretKeyRecord>, StoreError> {
        match self.registry_item(Key::secret_key(hash)).await? {
            Some(Stored { record: Record::SecretKey(key), .. }) => Ok(Some(key)),
            _ => Ok(None),
        }
    }

    /// An environment's settings.
    pub async fn environment(&self, id: Uuid) -> Result<Option<Environment>, StoreError> {
        match self.registry_item(Key::environment(id)).await? {
            Some(Stored { record: Record::Environment(settings), .. }) => Ok(Some(settings.of(id))),
            _ => Ok(None),
        }
    }

    /// An environment's settings and the first of its integrations.
    pub async fn environment_with_integrations(
        &self,
        id: Uuid,
    ) -> Result<Option<(Environment, Vec<IntegrationKey>)>, StoreError> {
        // `INTEGRATION$` sorts after every integration, since `$` follows `#`.
        let query = self.between(id, "ENV", "INTEGRATION$").limit(1 + INTEGRATIONS_READ_MAX);
        let output = Box::pin(query.send()).await?;
        let mut items = output.items.unwrap_or_default().into_iter();
        let first = items.next().map(to_stored).transpose()?;
        let Some((_, Stored { record: Record::Environment(settings), .. })) = first else {
            // Nothing, or integrations without settings, because the environment was removed.
            return Ok(None);
        };
        let integrations = items.filter_map(|item| integration_key(&item)).collect();
        Ok(Some((settings.of(id), integrations)))
    }

    /// Reads an environment's settings, the names of its keys, its integrations and its providers.
    /// `page` gets each item, and returns whether to continue.
    pub async fn environment_items(
        &self,
        id: Uuid,
        mut page: impl FnMut(Key, Stored) -> bool,
    ) -> Result<(), StoreError> {
        let query = self.between(id, "CREDENTIAL#", "PROVIDER$");
        let mut items = query.into_paginator().items().send();
        while let Some(item) = items.next().await {
            let (key, stored) = to_stored(item?)?;
            if !page(key, stored) {
                break;
            }
        }
        Ok(())
    }

    /// The names of all environments.
    pub async fn environment_names(&self) -> Result<Vec<String>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.names.registry)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(Key::NAMES.to_owned()))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(item) = items.next().await {
            let (key, _) = to_stored(item?)?;
            names.push(key.label().to_owned());
        }
        Ok(names)
    }

    /// A query of an environment's items with sort keys from `first` to `last`.
    pub(crate) fn between(&self, id: Uuid, first: &str, last: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.names.registry)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", AttributeValue::S(format!("ENV#{id}")))
            .expression_attribute_values(":first", AttributeValue::S(first.to_owned()))
            .expression_attribute_values(":last", AttributeValue::S(last.to_owned()))
            .consistent_read(true)
    }

    /// The keys among `keys` that are integrations of the environment.
    pub async fn integrations(
        &self,
        environment: Uuid,
        keys: impl Iterator<Item = &IntegrationKey>,
    ) -> Result<Vec<IntegrationKey>, StoreError> {
        let keys = keys.map(|key| Key::integration(environment, key)).collect();
        let found = self.batch_get(keys).await?;
        Ok(found.iter().filter_map(integration_key).collect())
    }

    /// The items with these keys that exist.
    pub async fn registry_items(&self, keys: Vec<Key>) -> Result<HashMap<Key, Stored>, StoreError> {
        self.batch_get(keys).await?.into_iter().map(to_stored).collect()
    }

    /// The keys of an environment's items.
    pub async fn registry_keys(&self, environment: Uuid) -> Result<Vec<Key>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.names.registry)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(format!("ENV#{environment}")))
            .consistent_read(true)
            .projection_expression("pk, sk");
        let mut pages = query.into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(item) = pages.next().await {
            keys.push(from_item(item?)?);
        }
        Ok(keys)
    }

    pub(crate) async fn registry_item(&self, key: Key) -> Result<Option<Stored>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.names.registry)
            .set_key(Some(key.attributes()))
            .consistent_read(true);
        let output = Box::pin(get.send()).await?;
        Ok(output.item.map(to_stored).transpose()?.map(|(_, stored)| stored))
    }

    async fn batch_get(&self, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        let mut wanted: Vec<Item> = keys.iter().map(Key::attributes).collect();
        let mut pause = UNPROCESSED_PAUSE;
        while !wanted.is_empty() {
            let batch = wanted.split_off(wanted.len().saturating_sub(BATCH_MAX));
            let request = KeysAndAttributes::builder()
                .set_keys(Some(batch))
                .consistent_read(true)
                .build()
                .map_err(|error| StoreError::Unexpected(error.to_string()))?;
            let get = self.client.batch_get_item().request_items(&self.names.registry, request);
            let output = Box::pin(get.send()).await?;
            found.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
            // DynamoDB hands keys back when a table is throttled half-way.
            let unprocessed = output.unprocessed_keys.into_iter().flatten();
            let unprocessed: Vec<_> = unprocessed.flat_map(|(_, request)| request.keys).collect();
            if !unprocessed.is_empty() {
                if pause > UNPROCESSED_PAUSE_MAX {
                    return Err(StoreError::Unavailable("keys stay unprocessed".to_owned()));
                }
                tokio::time::sleep(pause).await;
                pause *= 2;
                wanted.extend(unprocessed);
            }
        }
        Ok(found)
    }
}
