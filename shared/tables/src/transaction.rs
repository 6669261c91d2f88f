//! Writes to the registry: transactions that are conditional on the environment's revision.
//!
//! A writer first reads the environment's revision and then the items. Every transaction compares
//! the revision and replaces it, so it succeeds only if nobody else has written since. Thereby each
//! put and delete is conditional on what was read.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use session::connection::{Connection, ConnectionId};
use session::integration::IntegrationKey;
use uuid::Uuid;

use crate::connection_item::ConnectionKey;
use crate::error::StoreError;
use crate::record::{Key, Record, Stored};
use crate::record_item::{from_stored, size};
use crate::tables::Tables;

/// The most changes of one transaction: a hundred items (AWS service quotas), and one of them is
/// the environment's name with its revision.
pub const CHANGES_MAX: usize = 99;

/// The most bytes of one transaction's changes: it has 4 MB (AWS service quotas), and sizes are
/// estimates.
pub const BYTES_MAX: usize = 3_500_000;

/// An upper bound for the size of a connection with an end user and ten tags.
const CONNECTION_BYTES_MAX: usize = 30_000;

/// One change of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Writes an item.
    Put(Key, Stored),
    /// Writes an item that must not exist yet.
    Create(Key, Stored),
    /// Removes an item.
    Delete(Key),
    /// Creates a connection, or sets the end user and the tags of an existing one.
    SetConnection(Box<Connection>),
    /// Removes a connection.
    DeleteConnection(IntegrationKey, ConnectionId),
}

impl Change {
    /// Its approximate size in bytes.
    pub fn size(&self) -> usize {
        match self {
            Self::Put(key, stored) | Self::Create(key, stored) => {
                // A record that cannot be made an item fails when it is written.
                let item = from_stored(key.clone(), stored.clone()).unwrap_or_default();
                size(&AttributeValue::M(item))
            }
            Self::SetConnection(_) => CONNECTION_BYTES_MAX,
            Self::Delete(_) | Self::DeleteConnection(..) => 0,
        }
    }

    /// Whether both change the same item.
    pub fn is_of_same_item(&self, other: &Self) -> bool {
        match (self.key(), other.key()) {
            (Some(key), Some(other)) => key == other,
            (None, None) => self.connection() == other.connection(),
            _ => false,
        }
    }

    fn key(&self) -> Option<&Key> {
        match self {
            Self::Put(key, _) | Self::Create(key, _) | Self::Delete(key) => Some(key),
            Self::SetConnection(_) | Self::DeleteConnection(..) => None,
        }
    }

    fn connection(&self) -> Option<(&IntegrationKey, &ConnectionId)> {
        match self {
            Self::SetConnection(connection) => {
                Some((&connection.integration_id, &connection.connection_id))
            }
            Self::DeleteConnection(integration, id) => Some((integration, id)),
            _ => None,
        }
    }
}

/// How a transaction changes the revision of its environment.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The environment's name.
    pub name: String,
    /// Its id.
    pub environment_id: Uuid,
    /// When it was made, in epoch milliseconds.
    pub created_at_ms: i64,
    /// The moment of the write, in epoch milliseconds.
    pub now_ms: i64,
    /// The revision that was read; `None` if no environment had the name.
    pub from: Option<Uuid>,
    /// The revision that is written; `None` removes the name.
    pub to: Option<Uuid>,
}

/// The outcome of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is written.
    Written,
    /// Nothing of it is written, because somebody else has changed the environment, or has created
    /// an item that was to be created.
    Conflict,
    /// Nothing of it is written, and nothing of it will be.
    NotWritten,
    /// It cannot be found out.
    Unknown,
}

impl Tables {
    /// Makes changes in one environment, either all of them or none.
    pub async fn change_environment(
        &self,
        revision: &Revision,
        changes: Vec<Change>,
    ) -> Result<Outcome, StoreError> {
        let mut request = self.client.transact_write_items();
        request = request.transact_items(self.compare_revision(revision)?);
        for change in changes {
            request = request.transact_items(self.write(revision.environment_id, change)?);
        }
        match Box::pin(request.send()).await {
            Ok(_) => Ok(Outcome::Written),
            Err(error) if error.as_service_error().is_some_and(is_conflict) => {
                Ok(Outcome::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Finds out the outcome of a transaction whose answer was lost. If it is not written, this
    /// replaces the revision on which it depends, so that it cannot be written later either.
    pub async fn settle(&self, lost: &Revision) -> Result<Outcome, StoreError> {
        let block = Uuid::new_v4();
        if let Some(from) = lost.from {
            let put = self
                .client
                .put_item()
                .table_name(&self.names.registry)
                .set_item(Some(from_stored(Key::name(&lost.name), lost.stored(block))?))
                .condition_expression(SAME_REVISION)
                .expression_attribute_values(":revision", AttributeValue::S(from.to_string()));
            match Box::pin(put.send()).await {
                Ok(_) => return Ok(Outcome::NotWritten),
                Err(error) => match error.as_service_error() {
                    Some(cause) if cause.is_conditional_check_failed_exception() => {}
                    _ => return Err(error.into()),
                },
            }
        }
        let found = match self.registry_item(Key::name(&lost.name)).await? {
            Some(Stored { record: Record::Name { environment_id, revision }, .. }) => {
                (environment_id == lost.environment_id).then_some(revision)
            }
            _ => None,
        };
        Ok(match (found, lost.to) {
            (Some(found), _) if found == block => Outcome::NotWritten,
            (Some(found), Some(to)) if found == to => Outcome::Written,
            // Only this transaction could have created an environment with this id.
            (Some(_), _) if lost.from.is_none() => Outcome::Written,
            // Somebody else has written too, either before it or after it.
            (Some(_), Some(_)) => Outcome::Unknown,
            // The environment was to be created, and still may be.
            (None, Some(_)) if lost.from.is_none() => Outcome::Unknown,
            // It was to be removed and still exists. Or somebody else has removed it, together with
            // anything that was written.
            (Some(_), None) | (None, Some(_)) => Outcome::NotWritten,
            (None, None) => Outcome::Written,
        })
    }

    /// The first item of every transaction.
    fn compare_revision(&self, revision: &Revision) -> Result<TransactWriteItem, StoreError> {
        let key = Key::name(&revision.name);
        let (condition, values) = match revision.from {
            None => ("attribute_not_exists(pk)", None),
            Some(from) => {
                let value = (":revision".to_owned(), AttributeValue::S(from.to_string()));
                (SAME_REVISION, Some([value].into()))
            }
        };
        let write = TransactWriteItem::builder();
        let write = match revision.to {
            Some(to) => write.put(
                Put::builder()
                    .table_name(&self.names.registry)
                    .set_item(Some(from_stored(key, revision.stored(to))?))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
            None => write.delete(
                Delete::builder()
                    .table_name(&self.names.registry)
                    .set_key(Some(key.attributes()))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .build()?,
            ),
        };
        Ok(write.build())
    }

    fn write(&self, environment: Uuid, change: Change) -> Result<TransactWriteItem, StoreError> {
        let is_new = matches!(change, Change::Create(..));
        let write = TransactWriteItem::builder();
        let write = match change {
            Change::Put(key, stored) | Change::Create(key, stored) => write.put(
                Put::builder()
                    .table_name(&self.names.registry)
                    .set_item(Some(from_stored(key, stored)?))
                    .set_condition_expression(is_new.then(|| "attribute_not_exists(pk)".to_owned()))
                    .build()?,
            ),
            Change::Delete(key) => write.delete(
                Delete::builder()
                    .table_name(&self.names.registry)
                    .set_key(Some(key.attributes()))
                    .build()?,
            ),
            Change::SetConnection(connection) => {
                write.update(self.set_connection(environment, *connection)?)
            }
            Change::DeleteConnection(integration, id) => write.delete(
                Delete::builder()
                    .table_name(&self.names.connections)
                    .set_key(Some(ConnectionKey::new(environment, &integration, &id).attributes()))
                    .build()?,
            ),
        };
        Ok(write.build())
    }
}

const SAME_REVISION: &str = "revision = :revision";

impl Revision {
    fn stored(&self, revision: Uuid) -> Stored {
        Stored {
            record: Record::Name { environment_id: self.environment_id, revision },
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.now_ms,
        }
    }
}

/// Whether a condition failed, or another transaction was writing one of the items.
fn is_conflict(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        return false;
    };
    let mut reasons = cancelled.cancellation_reasons().iter();
    reasons.any(|reason| {
        matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict"))
    })
}
