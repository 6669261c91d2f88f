//! The renewal of credentials. Across all containers, one caller at a time holds the lease of a
//! connection. Its result is written on the condition that the credentials are still those with
//! which it started.
//!
//! Sealing the same credentials twice gives different bytes, so the attribute is its own version:
//! once the credentials are replaced, every write that was based on the old ones fails.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use session::connect_session::timestamp;
use session::connection::{Connection, ConnectionId};
use session::event::Event;
use session::integration::IntegrationKey;
use session::refresh::{Lease, RefreshFailure};
use uuid::Uuid;

use crate::assignments::Assignments;
use crate::connection_item::{CREDENTIALS, ConnectionKey, to_connection};
use crate::error::{StoreError, failed_conditions};
use crate::item::Item;
use crate::refresh_item::{LEASE, LEASE_ENDS_AT, due_at, failure_text, moment_ms, owner};
use crate::tables::Tables;

/// The index of the connections whose grants are kept alive.
const BY_REFRESH_DUE: &str = "by-refresh-due";

/// How many of them one Query reads.
const DUE_AT_ONCE: i32 = 100;

/// The result of a write.
#[derive(Debug)]
pub enum Written {
    /// It is written.
    Done,
    /// It is not written, because the connection has changed to this.
    Otherwise(Box<Connection>),
    /// It is not written, because the connection was deleted.
    Gone,
}

/// Renewed credentials.
#[derive(Debug)]
pub struct Renewed {
    /// The new credentials, sealed.
    pub credentials: Vec<u8>,
    /// When they were renewed.
    pub at: Timestamp,
    /// When the next renewal is due.
    pub due_at: Option<Timestamp>,
}

/// A failed renewal.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// The failure.
    pub failure: &'a RefreshFailure,
    /// When the next renewal is due.
    pub due_at: Option<Timestamp>,
}

/// A connection whose grant is due for renewal, or was when the index was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its environment.
    pub environment: Uuid,
    /// Its integration.
    pub integration: IntegrationKey,
    /// Its id.
    pub id: ConnectionId,
}

/// A position among the connections that are due.
#[derive(Debug, Clone)]
pub struct DueCursor(Item);

impl Tables {
    /// Takes the lease of a connection, unless another caller holds it, or has held it since the
    /// connection was read.
    pub async fn lease_refresh(
        &self,
        environment: Uuid,
        read: &Connection,
        lease: &Lease,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let mut update = Assignments::default();
        update.set(LEASE, owner(lease.owner));
        update.set(LEASE_ENDS_AT, moment_ms(lease.ends_at));
        let free = "attribute_not_exists(refresh_lease) OR refresh_lease_ends_at_ms <= :now";
        let mut values = vec![(":now", moment_ms(now))];
        // If another caller's renewal has failed since the read, this caller must not try again.
        let same = match &read.refresh.failure {
            Some(failure) => {
                values.push((":failure", failure_text(failure)?));
                "refresh_failure = :failure"
            }
            None => "attribute_not_exists(refresh_failure)",
        };
        let condition = format!("credentials = :before AND ({free}) AND {same}");
        let written = self.write_refresh(environment, read, update, &condition, values).await?;
        Ok(match written {
            // An earlier attempt of the same call took it, but its answer was lost.
            Written::Otherwise(found)
                if found.refresh.lease.as_ref().is_some_and(|held| held.owner == lease.owner) =>
            {
                Written::Done
            }
            other => other,
        })
    }

    /// Writes renewed credentials, whoever holds the lease: if the provider rotates refresh tokens,
    /// the old one is worthless.
    pub async fn save_refreshed(
        &self,
        environment: Uuid,
        read: &Connection,
        new: &Renewed,
    ) -> Result<Written, StoreError> {
        let mut update = Assignments::default();
        update.set(CREDENTIALS, AttributeValue::B(new.credentials.clone().into()));
        update.set("updated_at_ms", moment_ms(new.at));
        update.renewal(&read.connection_id, new.due_at, None)?;
        let condition = "credentials = :before";
        let written = self.write_refresh(environment, read, update, condition, Vec::new()).await?;
        Ok(match written {
            Written::Otherwise(found) if found.credentials.as_ref() == Some(&new.credentials) => {
                Written::Done
            }
            other => other,
        })
    }

    /// Writes that a renewal failed, together with its webhooks, and ends its lease. The condition
    /// is that it still holds the lease and that the credentials are still those that were refused.
    pub async fn save_refresh_failure(
        &self,
        environment: Uuid,
        read: &Connection,
        lease: &Lease,
        failed: Failed<'_>,
        events: Vec<Event>,
    ) -> Result<Written, StoreError> {
        let mut update = Assignments::default();
        update.renewal(&read.connection_id, failed.due_at, Some(failed.failure))?;
        update.set("updated_at_ms", moment_ms(timestamp(failed.failure.failed_at_ms)));
        let key = ConnectionKey::new(environment, &read.integration_id, &read.connection_id);
        let update = Update::builder()
            .table_name(&self.names.connections)
            .set_key(Some(key.attributes()))
            .update_expression(update.expression())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(Some(update.values))
            .expression_attribute_values(":before", before(read))
            .expression_attribute_values(":owner", owner(lease.owner))
            .condition_expression("credentials = :before AND refresh_lease = :owner")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        let mut transaction = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().update(update).build());
        for event in events {
            transaction = transaction.transact_items(self.put(environment, event)?);
        }
        let Err(error) = Box::pin(transaction.send()).await else { return Ok(Written::Done) };
        match (failed_conditions(&error).as_slice(), found(&error)) {
            ([true, ..], Some(item)) => {
                Ok(Written::Otherwise(Box::new(to_connection(item.clone())?)))
            }
            ([true, ..], None) => Ok(Written::Gone),
            _ => Err(error.into()),
        }
    }

    async fn write_refresh(
        &self,
        environment: Uuid,
        read: &Connection,
        update: Assignments,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<Written, StoreError> {
        let key = ConnectionKey::new(environment, &read.integration_id, &read.connection_id);
        let mut request = self
            .client
            .update_item()
            .table_name(&self.names.connections)
            .set_key(Some(key.attributes()))
            .update_expression(update.expression())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(Some(update.values))
            .expression_attribute_values(":before", before(read))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            request = request.expression_attribute_values(name, value);
        }
        written(Box::pin(request.send()).await)
    }

    /// Connections in one of the [`SHARDS`](crate::refresh_item::SHARDS) whose grants are due at
    /// `now`, the longest due first, and the position from which to continue.
    pub async fn refreshes_due(
        &self,
        shard: &str,
        now: Timestamp,
        start: Option<DueCursor>,
    ) -> Result<(Vec<Due>, Option<DueCursor>), StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.names.connections)
            .index_name(BY_REFRESH_DUE)
            .key_condition_expression("refresh_shard = :shard AND refresh_due_at <= :now")
            .expression_attribute_values(":shard", AttributeValue::S(shard.to_owned()))
            .expression_attribute_values(":now", due_at(now))
            .limit(DUE_AT_ONCE)
            .set_exclusive_start_key(start.map(|cursor| cursor.0));
        let output = Box::pin(query.send()).await?;
        let due = output.items.unwrap_or_default().iter().filter_map(due).collect();
        Ok((due, output.last_evaluated_key.map(DueCursor)))
    }
}

/// The credentials with which a renewal started.
fn before(read: &Connection) -> AttributeValue {
    AttributeValue::B(read.credentials.clone().unwrap_or_default().into())
}

/// The item for which the first condition of a transaction failed.
fn found<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&Item> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons().first()?.item()
        }
        _ => None,
    }
}

/// The result of a conditional update. If the condition failed, DynamoDB returns the current item.
fn written(
    result: Result<UpdateItemOutput, SdkError<UpdateItemError, HttpResponse>>,
) -> Result<Written, StoreError> {
    let Err(error) = result else { return Ok(Written::Done) };
    let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error()
    else {
        return Err(error.into());
    };
    match failed.item() {
        Some(item) => Ok(Written::Otherwise(Box::new(to_connection(item.clone())?))),
        None => Ok(Written::Gone),
    }
}

/// A connection's key from an item of the index.
fn due(item: &Item) -> Option<Due> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    let (id, integration) = text("sk")?.rsplit_once('#')?;
    Some(Due {
        environment: text("pk")?.strip_prefix("ENV#")?.parse().ok()?,
        integration: IntegrationKey::parse(integration)?,
        id: ConnectionId::parse(id)?,
    })
}
