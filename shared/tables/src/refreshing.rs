//! Renewing credentials: one caller at a time has the lease of a connection, over all containers,
//! and what it got is written on the condition that the credentials are those that it started from.
//!
//! Sealed credentials differ each time that they are sealed, so the attribute itself is their
//! version: who replaces them, in whatever way, makes every write fail that was based on the old
//! ones.

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

/// The index of the connections whose grants are to be kept alive.
const BY_REFRESH_DUE: &str = "by-refresh-due";

/// How many of them one Query reads.
const DUE_AT_ONCE: i32 = 100;

/// What became of a write.
#[derive(Debug)]
pub enum Written {
    /// It is written.
    Done,
    /// It is not, since the connection is another meanwhile: this one.
    Otherwise(Box<Connection>),
    /// It is not, since the connection is gone.
    Gone,
}

/// Credentials that were renewed.
#[derive(Debug)]
pub struct Renewed {
    /// The new ones, sealed.
    pub credentials: Vec<u8>,
    /// When they were renewed.
    pub at: Timestamp,
    /// When that is due again.
    pub due_at: Option<Timestamp>,
}

/// A renewal that failed.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// How.
    pub failure: &'a RefreshFailure,
    /// When it is due again.
    pub due_at: Option<Timestamp>,
}

/// A connection whose grant is to be renewed, or was when the index was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its environment.
    pub environment: Uuid,
    /// Its integration.
    pub integration: IntegrationKey,
    /// Its id.
    pub id: ConnectionId,
}

/// A place among the connections that are due.
#[derive(Debug, Clone)]
pub struct DueCursor(Item);

impl Tables {
    /// Takes the lease of a connection, unless somebody else has it, or had it since the connection
    /// was read.
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
        // Whoever read it before somebody else's failure must not be the next to ask.
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
            // The answer to a first attempt was lost.
            Written::Otherwise(found)
                if found.refresh.lease.as_ref().is_some_and(|held| held.owner == lease.owner) =>
            {
                Written::Done
            }
            other => other,
        })
    }

    /// Writes credentials that were renewed. Whoever has the lease meanwhile: a provider that
    /// rotates refresh tokens has made the old one worthless.
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

    /// Writes that a renewal failed, together with the webhooks that tell it, and ends its lease:
    /// if it still has that and the credentials are still those that were refused.
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

    /// Connections of one of the [`SHARDS`](crate::refresh_item::SHARDS) whose grants are due at
    /// `now`, the longest due first, and the place where the next of them start.
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

/// The credentials that a renewal started from.
fn before(read: &Connection) -> AttributeValue {
    AttributeValue::B(read.credentials.clone().unwrap_or_default().into())
}

/// The item that did not meet the first condition of a transaction.
fn found<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&Item> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons().first()?.item()
        }
        _ => None,
    }
}

/// An update with a condition. Where that does not hold, DynamoDB answers the item as it is.
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

/// The key of a connection, as the index has it.
fn due(item: &Item) -> Option<Due> {
    let text = |name: &str| item.get(name)?.as_s().ok();
    let (id, integration) = text("sk")?.rsplit_once('#')?;
    Some(Due {
        environment: text("pk")?.strip_prefix("ENV#")?.parse().ok()?,
        integration: IntegrationKey::parse(integration)?,
        id: ConnectionId::parse(id)?,
    })
}
