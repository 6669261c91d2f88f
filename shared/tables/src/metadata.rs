//! Changes the metadata of connections: of all that are named, or of none.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use serde_json::{Map, Value};
use session::connection::ConnectionId;
use session::integration::IntegrationKey;
use uuid::Uuid;

use crate::connection_item::ConnectionKey;
use crate::error::{StoreError, failed_conditions};
use crate::item::text_of;
use crate::tables::Tables;

/// The most connections of one transaction (AWS service quotas).
const TRANSACTION_MAX: usize = 100;

/// How often a merge is tried while somebody else changes the same metadata.
const MERGES_MAX: usize = 5;

impl Tables {
    /// Replaces the metadata of connections, or merges into it at the top level. If a connection
    /// does not exist, returns its id, and nothing is changed.
    pub async fn change_metadata(
        &self,
        environment: Uuid,
        key: &IntegrationKey,
        ids: &[ConnectionId],
        metadata: Map<String, Value>,
        merges: bool,
    ) -> Result<Option<ConnectionId>, StoreError> {
        let mut unique: Vec<&ConnectionId> = Vec::new();
        for id in ids {
            if !unique.contains(&id) {
                unique.push(id);
            }
        }
        // More than fit into one transaction: look them up first, so that an unknown one changes
        // nothing.
        if unique.len() > TRANSACTION_MAX {
            for id in &unique {
                if self.connection(environment, key, id).await?.is_none() {
                    return Ok(Some((*id).clone()));
                }
            }
        }
        for some in unique.chunks(TRANSACTION_MAX) {
            if let Some(missing) =
                self.change_some(environment, key, some, &metadata, merges).await?
            {
                return Ok(Some(missing));
            }
        }
        Ok(None)
    }

    async fn change_some(
        &self,
        environment: Uuid,
        key: &IntegrationKey,
        ids: &[&ConnectionId],
        metadata: &Map<String, Value>,
        merges: bool,
    ) -> Result<Option<ConnectionId>, StoreError> {
        for _ in 0..MERGES_MAX {
            let mut transaction = self.client.transact_write_items();
            for id in ids {
                let update = if merges {
                    let Some(before) = self.connection(environment, key, id).await? else {
                        return Ok(Some((*id).clone()));
                    };
                    let mut both = before.metadata.clone().unwrap_or_default();
                    both.extend(metadata.clone());
                    self.metadata_update(environment, key, id, &both, Some(before.metadata))?
                } else {
                    self.metadata_update(environment, key, id, metadata, None)?
                };
                let update = TransactWriteItem::builder().update(update).build();
                transaction = transaction.transact_items(update);
            }
            let Err(error) = Box::pin(transaction.send()).await else { return Ok(None) };
            let failed = failed_conditions(&error).into_iter().position(|failed| failed);
            match failed.and_then(|index| ids.get(index)) {
                None => return Err(error.into()),
                Some(missing) if !merges => return Ok(Some((*missing).clone())),
                // Changed since it was read, so read and merge again.
                Some(_) => {}
            }
        }
        Err(StoreError::Unavailable("the metadata keeps being changed by others".to_owned()))
    }

    /// Writes metadata, on the condition that the connection exists and, if `before` is given, that
    /// its metadata is still that.
    #[expect(clippy::option_option, reason = "not read, none and some are three things")]
    fn metadata_update(
        &self,
        environment: Uuid,
        key: &IntegrationKey,
        id: &ConnectionId,
        metadata: &Map<String, Value>,
        before: Option<Option<Map<String, Value>>>,
    ) -> Result<Update, StoreError> {
        let mut update = Update::builder()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(environment, key, id).attributes()))
            .update_expression("SET metadata = :metadata")
            .expression_attribute_values(":metadata", AttributeValue::S(text_of(metadata)?));
        update = match before {
            None => update.condition_expression("attribute_exists(pk)"),
            Some(None) => update
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(metadata)"),
            Some(Some(before)) => update
                .condition_expression("metadata = :before")
                .expression_attribute_values(":before", AttributeValue::S(text_of(&before)?)),
        };
        Ok(update.build()?)
    }
}
