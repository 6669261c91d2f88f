//! The end of an attempt to connect, in one transaction: the connection that it makes, the outcome
//! on its session, the webhooks, and the end of its OAuth flow.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem, Update};
use jiff::Timestamp;
use serde_json::{Map, Value};
use session::connection::{Connection, ConnectionId};
use session::end_user::EndUser;
use session::event::Event;
use session::integration::IntegrationKey;
use session::oauth_flow::{FlowEnd, FlowHash, OUTCOMES_MAX, Outcome};
use session::tags::Tags;
use session::token::TokenHash;
use uuid::Uuid;

use crate::assignments::Assignments;
use crate::connection_item::{CREDENTIALS, ConnectionKey, from_connection};
use crate::error::{StoreError, failed_conditions};
use crate::item::text_of;
use crate::oauth_states;
use crate::record::Key;
use crate::session_item::{TOKEN_HASH, token_hash};
use crate::tables::Tables;

/// The result of saving a connection for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is saved.
    Done,
    /// The session was deleted in the meantime.
    SessionGone,
    /// The integration was removed in the meantime, or has another provider.
    IntegrationGone,
    /// The connection to reconnect no longer exists, or the new one exists already.
    Conflict,
}

/// The changes of a reconnection. The connection keeps its id, number and creation time.
#[derive(Debug)]
pub struct Reconnection {
    /// The name of the provider that the credentials are for.
    pub provider: String,
    /// New credentials, sealed; `None` removes them.
    pub credentials: Option<Vec<u8>>,
    /// Replaces the stored configuration.
    pub connection_config: Map<String, Value>,
    /// Replaces the stored URL, even if it is `None`.
    pub webhook_url_override: Option<String>,
    /// `None` keeps the stored end user.
    pub end_user: Option<EndUser>,
    /// `None` keeps the stored tags.
    pub tags: Option<Tags>,
    /// `None` leaves `updated_at` as it is.
    pub updated_at: Option<Timestamp>,
    /// When the grant is renewed if it stays idle.
    pub refresh_due_at: Option<Timestamp>,
}

/// What is written at the end of an attempt besides the connection.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// The session's environment.
    pub environment: Uuid,
    /// The session, to whose outcomes this one is added.
    pub session: &'a TokenHash,
    /// How many outcomes it had when it was read.
    pub outcomes_before: usize,
    /// The outcome to add.
    pub outcome: &'a Outcome,
    /// The OAuth flow that ends, if there is one.
    pub flow: Option<(&'a FlowHash, &'a FlowEnd)>,
}

impl Tables {
    /// Saves a new connection, if its session and its integration still exist, and the integration
    /// still has the same provider.
    pub async fn create_connection(
        &self,
        connection: Connection,
        end: End<'_>,
        events: Vec<Event>,
    ) -> Result<Saved, StoreError> {
        let integration = Key::integration(end.environment, &connection.integration_id);
        let integration = self.provisioned(&integration, &connection.provider)?;
        let put = Put::builder()
            .table_name(&self.names.connections)
            .set_item(Some(from_connection(end.environment, connection)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        let write = TransactWriteItem::builder().put(put).build();
        self.save(Some((write, integration)), end, events).await
    }

    /// Replaces the credentials of a connection, if it, the session and the integration exist, and
    /// the integration still has the provider of the credentials.
    pub async fn reconnect(
        &self,
        integration: &IntegrationKey,
        id: &ConnectionId,
        new: Reconnection,
        end: End<'_>,
        events: Vec<Event>,
    ) -> Result<Saved, StoreError> {
        let mut update = Assignments::default();
        let config = text_of(&new.connection_config)?;
        update.set("connection_config", AttributeValue::S(config));
        update.replace(CREDENTIALS, new.credentials.map(|sealed| AttributeValue::B(sealed.into())));
        update.replace("webhook_url_override", new.webhook_url_override.map(AttributeValue::S));
        if let Some(own) = &new.tags {
            update.set("tags", AttributeValue::S(text_of(own)?));
        }
        if new.end_user.is_some() {
            update.end_user(end.environment, id, new.end_user.as_ref())?;
        }
        if let Some(moment) = new.updated_at {
            let ms = moment.as_millisecond().to_string();
            update.set("updated_at_ms", AttributeValue::N(ms));
        }
        update.renewal(id, new.refresh_due_at, None)?;
        let update = Update::builder()
            .table_name(&self.names.connections)
            .set_key(Some(ConnectionKey::new(end.environment, integration, id).attributes()))
            .update_expression(update.expression())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(Some(update.values))
            .condition_expression("attribute_exists(pk)")
            .build()?;
        let write = TransactWriteItem::builder().update(update).build();
        let integration = Key::integration(end.environment, integration);
        let integration = self.provisioned(&integration, &new.provider)?;
        self.save(Some((write, integration)), end, events).await
    }

    /// Records that an attempt failed. If the session no longer exists, only the flow's end is
    /// recorded.
    pub async fn fail(&self, end: End<'_>, events: Vec<Event>) -> Result<(), StoreError> {
        match self.save(None, end, events).await? {
            Saved::SessionGone => match end.flow {
                Some((state, end)) => self.end_flow(state, end).await,
                None => Ok(()),
            },
            Saved::Done | Saved::IntegrationGone | Saved::Conflict => Ok(()),
        }
    }

    /// Writes in one transaction, so that nothing is made for a deleted session or a removed
    /// integration, and no connection is without its outcome and its webhooks.
    async fn save(
        &self,
        connection: Option<(TransactWriteItem, TransactWriteItem)>,
        end: End<'_>,
        events: Vec<Event>,
    ) -> Result<Saved, StoreError> {
        let flow = end.flow.map(|(state, end)| self.flow_end(state, end)).transpose()?;
        let flow = flow.map(|update| TransactWriteItem::builder().update(update).build());
        let outcome = TransactWriteItem::builder().update(self.outcome(end)?).build();
        let events = events.into_iter().map(|event| self.put(end.environment, event));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let is_connected = connection.is_some();
        let (connection, integration) = connection.unzip();
        let writes = [Some(outcome), connection, integration, flow];
        let writes = writes.into_iter().flatten().chain(events);
        let transaction =
            self.client.transact_write_items().set_transact_items(Some(writes.collect()));
        match Box::pin(transaction.send()).await {
            Ok(_) => Ok(Saved::Done),
            Err(error) => match failed_conditions(&error).as_slice() {
                [true, ..] => Ok(Saved::SessionGone),
                [_, true, ..] => Ok(Saved::Conflict),
                [_, _, true, ..] if is_connected => Ok(Saved::IntegrationGone),
                _ => Err(error.into()),
            },
        }
    }

    /// The condition that an integration exists and has this provider.
    fn provisioned(
        &self,
        integration: &Key,
        provider: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder()
            .table_name(&self.names.registry)
            .set_key(Some(integration.attributes()))
            .condition_expression("provider = :provider")
            .expression_attribute_values(":provider", AttributeValue::S(provider.to_owned()))
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Appends an outcome to those of a session, and removes the oldest one if there are many.
    /// Setting an index beyond the end of a list appends (DynamoDB, "Update expressions"), and
    /// unlike `list_append` it can be combined with the removal of another element.
    fn outcome(&self, end: End<'_>) -> Result<Update, StoreError> {
        let outcome = AttributeValue::S(text_of(end.outcome)?);
        let update = Update::builder()
            .table_name(&self.names.sessions)
            .key(TOKEN_HASH, token_hash(end.session))
            .condition_expression("attribute_exists(token_hash)");
        let update = if end.outcomes_before < OUTCOMES_MAX {
            update
                .update_expression(
                    "SET outcomes = list_append(if_not_exists(outcomes, :none), :new)",
                )
                .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
                .expression_attribute_values(":new", AttributeValue::L(vec![outcome]))
        } else {
            update
                .update_expression("SET outcomes[1000] = :new REMOVE outcomes[0]")
                .expression_attribute_values(":new", outcome)
        };
        Ok(update.build()?)
    }

    fn flow_end(&self, state: &FlowHash, end: &FlowEnd) -> Result<Update, StoreError> {
        Ok(Update::builder()
            .table_name(&self.names.sessions)
            .key(TOKEN_HASH, oauth_states::key(state))
            .update_expression("SET flow_end = :end")
            .expression_attribute_values(":end", AttributeValue::S(text_of(end)?))
            .condition_expression("attribute_exists(token_hash)")
            .build()?)
    }
}
