//! The connections table, one method per access pattern.

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use session::connection::{Connection, ConnectionId};
use session::end_user::EndUser;
use session::integration::IntegrationKey;
use session::tags::Tags;
use uuid::Uuid;

use crate::assignments::Assignments;
use crate::connection_item::{ConnectionKey, from_connection, partition, to_connection};
use crate::error::StoreError;
use crate::item::text_of;
use crate::tables::Tables;

/// The changes that a customer can make to a connection. `None` keeps the stored value.
#[derive(Debug, Default)]
pub struct ConnectionChange {
    /// Replaces the end user.
    pub end_user: Option<EndUser>,
    /// Replaces all tags.
    pub tags: Option<Tags>,
    /// Replaces the override; the inner `None` clears it.
    pub webhook_url_override: Option<Option<String>>,
}

impl Tables {
    /// A connection.
    pub async fn connection(
        &self,
        environment: Uuid,
        integration: &IntegrationKey,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(environment, integration, id).attributes()))
            .consistent_read(true);
        Box::pin(get.send()).await?.item.map(to_connection).transpose()
    }

    /// Changes a connection. `false` if it does not exist.
    pub async fn change_connection(
        &self,
        environment: Uuid,
        integration: &IntegrationKey,
        id: &ConnectionId,
        change: ConnectionChange,
    ) -> Result<bool, StoreError> {
        let mut update = Assignments::default();
        // DynamoDB refuses an update without changes, so this attribute is always written.
        update.set("connection_id", AttributeValue::S(id.as_str().to_owned()));
        if let Some(own) = &change.tags {
            update.set("tags", AttributeValue::S(text_of(own)?));
        }
        if change.end_user.is_some() {
            update.end_user(environment, id, change.end_user.as_ref())?;
        }
        if let Some(url) = change.webhook_url_override {
            update.replace("webhook_url_override", url.map(AttributeValue::S));
        }
        let request = self
            .client
            .update_item()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(environment, integration, id).attributes()))
            .update_expression(update.expression())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(Some(update.values))
            .condition_expression("attribute_exists(pk)");
        match Box::pin(request.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(false),
                _ => Err(error.into()),
            },
        }
    }
}

impl Tables {
    /// Creates a connection, or sets the end user and the tags of an existing one, which keeps
    /// everything else, such as its credentials.
    pub(crate) fn set_connection(
        &self,
        environment: Uuid,
        connection: Connection,
    ) -> Result<Update, StoreError> {
        let (integration, id) =
            (connection.integration_id.clone(), connection.connection_id.clone());
        let mut update = Assignments::default();
        update.set("tags", AttributeValue::S(text_of(&connection.tags)?));
        update.end_user(environment, &id, connection.end_user.as_ref())?;
        for (name, value) in from_connection(environment, connection)? {
            if name != "pk" && name != "sk" && !update.is_about(&name) {
                update.set_if_absent(&name, value);
            }
        }
        Ok(Update::builder()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(environment, &integration, &id).attributes()))
            .update_expression(update.expression())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(Some(update.values))
            .build()?)
    }

    /// The connections with these names that exist.
    pub async fn connections_named(
        &self,
        environment: Uuid,
        names: impl Iterator<Item = (&IntegrationKey, &ConnectionId)>,
    ) -> Result<Vec<Connection>, StoreError> {
        let mut connections = Vec::new();
        for (integration, id) in names {
            connections.extend(self.connection(environment, integration, id).await?);
        }
        Ok(connections)
    }

    /// The integrations and ids of an environment's connections, or of one integration's.
    pub async fn connection_ids(
        &self,
        environment: Uuid,
        of: Option<&IntegrationKey>,
    ) -> Result<Vec<(IntegrationKey, ConnectionId)>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.names.connections)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition(environment)))
            .consistent_read(true)
            .projection_expression("sk")
            .into_paginator()
            .items()
            .send();
        let mut ids = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item?;
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).map(String::as_str);
            let parts = sk.and_then(|sk| sk.rsplit_once('#'));
            let Some((id, key)) = parts else { continue };
            let (Some(key), Some(id)) = (IntegrationKey::parse(key), ConnectionId::parse(id))
            else {
                continue;
            };
            if of.is_none_or(|of| *of == key) {
                ids.push((key, id));
            }
        }
        Ok(ids)
    }
}
