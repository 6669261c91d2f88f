//! Connections that a customer's server imports and deletes.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use session::connection::Connection;
use session::event::Event;
use uuid::Uuid;

use crate::connection_item::{ConnectionKey, from_connection};
use crate::error::{StoreError, failed_conditions};
use crate::tables::Tables;

/// The condition that a connection is the one that was read, since every connection has its own
/// number.
const SAME_NUMBER: &str = "#number = :number";

impl Tables {
    /// Saves a connection and its events: a new one, or in place of the one with the number
    /// `replaced`. `false` if somebody else has saved or removed it in the meantime.
    pub async fn import_connection(
        &self,
        environment: Uuid,
        connection: Connection,
        replaced: Option<u64>,
        events: Vec<Event>,
    ) -> Result<bool, StoreError> {
        let put = Put::builder()
            .table_name(&self.names.connections)
            .set_item(Some(from_connection(environment, connection)?));
        let put = match replaced {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(number) => put
                .condition_expression(SAME_NUMBER)
                .expression_attribute_names("#number", "number")
                .expression_attribute_values(":number", AttributeValue::N(number.to_string())),
        };
        let write = TransactWriteItem::builder().put(put.build()?).build();
        self.write_with_events(environment, write, events).await
    }

    /// Removes a connection and saves its events. `false` if somebody else has removed it, or if
    /// its credentials have changed since it was read.
    pub async fn delete_connection(
        &self,
        environment: Uuid,
        connection: &Connection,
        events: Vec<Event>,
    ) -> Result<bool, StoreError> {
        let (integration, id) = (&connection.integration_id, &connection.connection_id);
        let number = AttributeValue::N(connection.number.to_string());
        let delete = Delete::builder()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(environment, integration, id).attributes()))
            .expression_attribute_names("#number", "number")
            .expression_attribute_values(":number", number);
        let delete = match &connection.credentials {
            Some(sealed) => delete
                .condition_expression(format!("{SAME_NUMBER} AND credentials = :credentials"))
                .expression_attribute_values(
                    ":credentials",
                    AttributeValue::B(sealed.clone().into()),
                ),
            None => delete.condition_expression(format!(
                "{SAME_NUMBER} AND attribute_not_exists(credentials)"
            )),
        };
        let write = TransactWriteItem::builder().delete(delete.build()?).build();
        self.write_with_events(environment, write, events).await
    }

    /// Writes in one transaction. `false` if the condition of the write does not hold.
    async fn write_with_events(
        &self,
        environment: Uuid,
        write: TransactWriteItem,
        events: Vec<Event>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.client.transact_write_items().transact_items(write);
        for event in events {
            transaction = transaction.transact_items(self.put(environment, event)?);
        }
        match Box::pin(transaction.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match failed_conditions(&error).as_slice() {
                [true, ..] => Ok(false),
                _ => Err(error.into()),
            },
        }
    }
}
