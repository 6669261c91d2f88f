//! The connections table, one method per access pattern.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnValue, TransactWriteItem, Update,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use session::connection::{Connection, ConnectionId};
use session::end_user::EndUser;
use session::integration::IntegrationKey;
use session::tags::Tags;
use session::token::TokenHash;
use uuid::Uuid;

use crate::connection_item::{
    CREDENTIALS, ConnectionKey, end_user_attributes, from_connection, partition, tags, text_of,
    to_connection,
};
use crate::error::StoreError;
use crate::item::{self, Item};
use crate::record::Key;
use crate::tables::Tables;

/// What became of a connection that a session wanted to save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is saved.
    Done,
    /// The session was deleted meanwhile.
    SessionGone,
    /// The integration was removed meanwhile.
    IntegrationGone,
    /// The connection that was to be replaced is gone, or the one to be made is there already.
    Conflict,
}

/// What a reconnect changes. The connection keeps its id, number and creation time.
#[derive(Debug)]
pub struct Reconnection {
    /// New credentials, sealed; `None` removes them.
    pub credentials: Option<Vec<u8>>,
    /// Replaces what was there.
    pub connection_config: Map<String, Value>,
    /// Replaces what was there, also when it is `None`.
    pub webhook_url_override: Option<String>,
    /// `None` keeps the end user that is there.
    pub end_user: Option<EndUser>,
    /// `None` keeps the tags that are there.
    pub tags: Option<Tags>,
    /// `None` leaves `updated_at` as it is.
    pub updated_at: Option<Timestamp>,
}

/// What a customer may change of a connection. `None` keeps what is there.
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

    /// Saves a new connection, if the session that makes it and the integration still exist.
    pub async fn create_connection(
        &self,
        environment: Uuid,
        connection: Connection,
        session: &TokenHash,
    ) -> Result<Saved, StoreError> {
        let integration = Key::integration(environment, &connection.integration_id);
        let put = Put::builder()
            .table_name(&self.names.connections)
            .set_item(Some(from_connection(environment, connection)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        self.save(TransactWriteItem::builder().put(put).build(), session, &integration).await
    }

    /// Replaces the credentials of a connection, if it, the session and the integration exist.
    pub async fn reconnect(
        &self,
        environment: Uuid,
        integration: &IntegrationKey,
        id: &ConnectionId,
        new: Reconnection,
        session: &TokenHash,
    ) -> Result<Saved, StoreError> {
        let mut update = Assignments::default();
        let config = text_of(&new.connection_config)?;
        update.set("connection_config", AttributeValue::S(config));
        update.replace(CREDENTIALS, new.credentials.map(|sealed| AttributeValue::B(sealed.into())));
        update.replace("webhook_url_override", new.webhook_url_override.map(AttributeValue::S));
        if let Some(own) = &new.tags {
            update.set("tags", tags(own));
        }
        if new.end_user.is_some() {
            update.end_user(environment, id, new.end_user.as_ref())?;
        }
        if let Some(moment) = new.updated_at {
            let ms = moment.as_millisecond().to_string();
            update.set("updated_at_ms", AttributeValue::N(ms));
        }
        let update = Update::builder()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(environment, integration, id).attributes()))
            .update_expression(update.expression())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(Some(update.values))
            .condition_expression("attribute_exists(pk)")
            .build()?;
        let integration = Key::integration(environment, integration);
        self.save(TransactWriteItem::builder().update(update).build(), session, &integration).await
    }

    /// One transaction: neither a deleted session nor a removed integration makes anything.
    async fn save(
        &self,
        write: TransactWriteItem,
        session: &TokenHash,
        integration: &Key,
    ) -> Result<Saved, StoreError> {
        let provisioned = ConditionCheck::builder()
            .table_name(&self.names.registry)
            .set_key(Some(integration.attributes()))
            .condition_expression("attribute_exists(pk)")
            .build()?;
        let stands = ConditionCheck::builder()
            .table_name(&self.names.sessions)
            .key(item::TOKEN_HASH, item::token_hash(session))
            .condition_expression("attribute_exists(token_hash)")
            .build()?;
        let transaction = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().condition_check(stands).build())
            .transact_items(write)
            .transact_items(TransactWriteItem::builder().condition_check(provisioned).build());
        match Box::pin(transaction.send()).await {
            Ok(_) => Ok(Saved::Done),
            Err(error) => match failed_conditions(&error).as_slice() {
                [true, ..] => Ok(Saved::SessionGone),
                [_, _, true] => Ok(Saved::IntegrationGone),
                [_, true, _] => Ok(Saved::Conflict),
                _ => Err(error.into()),
            },
        }
    }

    /// Saves a connection: a new one, or in place of the one with the number that is `replaced`.
    /// `false` means that somebody else was there first.
    pub async fn import_connection(
        &self,
        environment: Uuid,
        connection: Connection,
        replaced: Option<u64>,
    ) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.names.connections)
            .set_item(Some(from_connection(environment, connection)?));
        let put = match replaced {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(number) => put
                .condition_expression("#number = :number")
                .expression_attribute_names("#number", "number")
                .expression_attribute_values(":number", AttributeValue::N(number.to_string())),
        };
        match Box::pin(put.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// Removes a connection, and answers it. `None` means that there was none.
    pub async fn delete_connection(
        &self,
        environment: Uuid,
        integration: &IntegrationKey,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(environment, integration, id).attributes()))
            .return_values(ReturnValue::AllOld);
        Box::pin(delete.send()).await?.attributes.map(to_connection).transpose()
    }

    /// Changes a connection. `false` means that there was none.
    pub async fn change_connection(
        &self,
        environment: Uuid,
        integration: &IntegrationKey,
        id: &ConnectionId,
        change: ConnectionChange,
    ) -> Result<bool, StoreError> {
        let mut update = Assignments::default();
        // An update without a change would be refused; this one is written as it stands.
        update.set("connection_id", AttributeValue::S(id.as_str().to_owned()));
        if let Some(own) = &change.tags {
            update.set("tags", tags(own));
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

    /// Makes a connection, or sets the end user and the tags of one that is there. Whatever else it
    /// has stays, credentials above all.
    pub(crate) fn set_connection(
        &self,
        environment: Uuid,
        connection: Connection,
    ) -> Result<Update, StoreError> {
        let (integration, id) =
            (connection.integration_id.clone(), connection.connection_id.clone());
        let mut update = Assignments::default();
        update.set("tags", tags(&connection.tags));
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

    /// Those of the connections that exist.
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

/// The parts of an update expression. Every name is given a placeholder, since some are reserved.
#[derive(Default)]
struct Assignments {
    set: Vec<String>,
    set_if_absent: Vec<String>,
    removed: Vec<String>,
    values: HashMap<String, AttributeValue>,
}

impl Assignments {
    fn set(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(format!(":{name}"), value);
        self.set.push(name.to_owned());
    }

    fn set_if_absent(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(format!(":{name}"), value);
        self.set_if_absent.push(name.to_owned());
    }

    fn is_about(&self, name: &str) -> bool {
        self.set.iter().chain(&self.removed).any(|known| known == name)
    }

    fn replace(&mut self, name: &str, value: Option<AttributeValue>) {
        match value {
            Some(value) => self.set(name, value),
            None => self.removed.push(name.to_owned()),
        }
    }

    fn end_user(
        &mut self,
        environment: Uuid,
        id: &ConnectionId,
        end_user: Option<&EndUser>,
    ) -> Result<(), StoreError> {
        let mut attributes: Item = end_user_attributes(environment, id, end_user)?;
        for name in ["search", "end_user", "end_user_pk", "organization_id"] {
            self.replace(name, attributes.remove(name));
        }
        Ok(())
    }

    fn expression(&self) -> String {
        let absent = self.set_if_absent.iter();
        let absent = absent.map(|name| format!("#{name} = if_not_exists(#{name}, :{name})"));
        let set = self.set.iter().map(|name| format!("#{name} = :{name}"));
        let set: Vec<_> = set.chain(absent).collect();
        let removed: Vec<_> = self.removed.iter().map(|name| format!("#{name}")).collect();
        let removal = if removed.is_empty() { "" } else { " REMOVE " };
        format!("SET {}{removal}{}", set.join(", "), removed.join(", "))
    }

    fn names(&self) -> HashMap<String, String> {
        let names = self.set.iter().chain(&self.set_if_absent).chain(&self.removed);
        names.map(|name| (format!("#{name}"), name.clone())).collect()
    }
}

/// Which writes of a cancelled transaction failed on their condition, in their order. Empty where
/// it was cancelled for another reason.
pub fn failed_conditions<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<bool> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Vec::new();
    };
    let failed = |code: Option<&str>| code == Some("ConditionalCheckFailed");
    cancelled.cancellation_reasons().iter().map(|reason| failed(reason.code())).collect()
}
