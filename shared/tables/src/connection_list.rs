//! Lists connections, newest first, in pages.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use session::connection::Connection;
use session::tags::Tags;
use uuid::Uuid;

use crate::connection_item::{created_sk, end_user_partition, partition, tag_text, to_connection};
use crate::error::StoreError;
use crate::item::Item;
use crate::tables::Tables;

/// The most items that one Query reads.
const READ_AT_ONCE: usize = 100;

/// The most items that are read for one answer. If a filter matches few items of a large
/// environment, the answer has those that were found, and a cursor.
const READ_MAX: usize = 20_000;

/// The most integrations of a filter: the operands of DynamoDB's `IN` (AWS, "Comparison operator
/// and function reference").
pub const INTEGRATIONS_MAX: usize = 100;

/// Which connections are listed: those that match all the given parts.
#[derive(Debug, Default)]
pub struct Filter {
    /// The whole id.
    pub connection_id: Option<String>,
    /// A part of the id, or of the end user's display name or e-mail address; in lowercase.
    pub search: Option<String>,
    /// The whole id of the end user.
    pub end_user_id: Option<String>,
    /// The whole id of the end user's organization.
    pub organization_id: Option<String>,
    /// One of these integrations, at most [`INTEGRATIONS_MAX`].
    pub integrations: Option<Vec<String>>,
    /// All of these tags.
    pub tags: Tags,
}

/// The position in a list after a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// Reads a cursor that a client sends back. It is not secret, and a forged one is harmless,
    /// since the list stays within the environment of the secret key.
    pub fn parse(text: &str) -> Option<Self> {
        let is_good = text.len() <= 64
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
            && text.contains('-');
        is_good.then(|| Self(text.replace('-', "#")))
    }
}

/// A page of a list: `limit` connections, after skipping `offset` connections after the cursor.
#[derive(Debug)]
pub struct Page {
    /// Where the list starts; `None` is the newest connection.
    pub cursor: Option<Cursor>,
    /// How many connections are skipped.
    pub offset: usize,
    /// The most connections of the page.
    pub limit: usize,
}

/// The connections of a page.
#[derive(Debug)]
pub struct Listed {
    /// The connections, newest first.
    pub connections: Vec<Connection>,
    /// Where the next page starts, if more connections may follow.
    pub next_cursor: Option<String>,
}

impl Filter {
    /// The cursor after a connection, as text for clients.
    pub fn cursor_after(&self, connection: &Connection) -> String {
        created_sk(connection).replace('#', "-")
    }

    /// The DynamoDB filter expression, and its values.
    fn expression(&self) -> Result<(String, Item), StoreError> {
        let mut parts = Vec::new();
        let mut values = Item::new();
        let mut is = |part: &str, name: &str, value: &str| {
            parts.push(part.to_owned());
            values.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
        };
        if let Some(text) = &self.search {
            is("contains(#search, :search)", ":search", text);
        }
        if let Some(id) = &self.organization_id {
            is("organization_id = :organization", ":organization", id);
        }
        if let Some(id) = self.connection_id.as_ref().filter(|_| self.end_user_id.is_some()) {
            is("connection_id = :connection_id", ":connection_id", id);
        }
        for (index, (key, value)) in self.tags.iter().enumerate() {
            let tag = tag_text(key, value)?;
            is(&format!("contains(tags, :tag{index})"), &format!(":tag{index}"), &tag);
        }
        if let Some(keys) = &self.integrations {
            let names: Vec<_> = (0..keys.len()).map(|index| format!(":i{index}")).collect();
            for (name, key) in names.iter().zip(keys) {
                values.insert(name.clone(), AttributeValue::S(key.clone()));
            }
            parts.push(format!("integration_id IN ({})", names.join(", ")));
        }
        Ok((parts.join(" AND "), values))
    }
}

impl Tables {
    /// A page of an environment's connections that match a filter, newest first. The index is
    /// eventually consistent: it follows the table within moments.
    pub async fn list_connections(
        &self,
        environment: Uuid,
        filter: &Filter,
        page: &Page,
    ) -> Result<Listed, StoreError> {
        if filter.integrations.as_ref().is_some_and(Vec::is_empty) {
            // Nothing matches, and DynamoDB does not accept an empty `IN`.
            return Ok(Listed { connections: Vec::new(), next_cursor: None });
        }
        if filter.connection_id.is_some() && filter.end_user_id.is_none() {
            return self.list_by_id(environment, filter, page).await;
        }
        let mut connections = Vec::new();
        let mut left_out = 0;
        let mut read = 0;
        let mut start = None;
        loop {
            let output = self.list_part(environment, filter, page.cursor.as_ref(), start).await?;
            read += usize::try_from(output.scanned_count).unwrap_or_default();
            for item in output.items.unwrap_or_default() {
                if left_out < page.offset {
                    left_out += 1;
                    continue;
                }
                connections.push(to_connection(item)?);
            }
            let is_full = connections.len() > page.limit;
            start = output.last_evaluated_key;
            if is_full || start.is_none() || read >= READ_MAX {
                let more = is_full || start.is_some();
                connections.truncate(page.limit);
                let stopped_at = start.as_ref().filter(|_| !is_full).and_then(place_of);
                let last = connections.last().map(|last| filter.cursor_after(last));
                let next_cursor = stopped_at.or(last).filter(|_| more);
                return Ok(Listed { connections, next_cursor });
            }
        }
    }

    /// The connections with one id, at most one per integration. They are sorted here, since the
    /// table has them in another order.
    async fn list_by_id(
        &self,
        environment: Uuid,
        filter: &Filter,
        page: &Page,
    ) -> Result<Listed, StoreError> {
        let mut connections = Vec::new();
        let mut start = None;
        loop {
            let output = self.list_part(environment, filter, None, start).await?;
            for item in output.items.unwrap_or_default() {
                connections.push(to_connection(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        connections.sort_by_key(|connection| std::cmp::Reverse(created_sk(connection)));
        let behind = |connection: &Connection| {
            page.cursor.as_ref().is_none_or(|Cursor(place)| created_sk(connection) < *place)
        };
        let connections = connections.into_iter().filter(behind).skip(page.offset);
        let mut connections: Vec<_> = connections.collect();
        let has_more = connections.len() > page.limit;
        connections.truncate(page.limit);
        let last = connections.last().filter(|_| has_more);
        let next_cursor = last.map(|last| filter.cursor_after(last));
        Ok(Listed { connections, next_cursor })
    }

    async fn list_part(
        &self,
        environment: Uuid,
        filter: &Filter,
        cursor: Option<&Cursor>,
        start: Option<Item>,
    ) -> Result<aws_sdk_dynamodb::operation::query::QueryOutput, StoreError> {
        let (expression, values) = filter.expression()?;
        // `search` is a reserved word.
        let search = filter.search.is_some();
        let names = search.then(|| HashMap::from([("#search".to_owned(), "search".to_owned())]));
        let mut query = self
            .client
            .query()
            .table_name(&self.names.connections)
            .limit(i32::try_from(READ_AT_ONCE).unwrap_or(i32::MAX))
            .scan_index_forward(false)
            .set_exclusive_start_key(start)
            .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            .set_expression_attribute_names(names)
            .set_filter_expression(Some(expression).filter(|text| !text.is_empty()));
        let string = |text: String| AttributeValue::S(text);
        let by_id = filter.connection_id.as_ref().filter(|_| filter.end_user_id.is_none());
        query = match (by_id, &filter.end_user_id) {
            (Some(id), _) => query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":pk", string(partition(environment)))
                .expression_attribute_values(":sk", string(format!("{id}#"))),
            (None, Some(user)) => query
                .index_name("by-end-user")
                .key_condition_expression("end_user_pk = :pk")
                .expression_attribute_values(":pk", string(end_user_partition(environment, user))),
            (None, None) => query
                .index_name("by-created")
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", string(partition(environment))),
        };
        if let Some(Cursor(place)) = cursor
            && by_id.is_none()
        {
            let key = if filter.end_user_id.is_some() { "end_user_pk" } else { "pk" };
            query = query
                .key_condition_expression(format!("{key} = :pk AND created_sk < :place"))
                .expression_attribute_values(":place", string(place.clone()));
        }
        Ok(Box::pin(query.send()).await?)
    }
}

/// The cursor for a key of an index.
fn place_of(key: &Item) -> Option<String> {
    Some(key.get("created_sk")?.as_s().ok()?.replace('#', "-"))
}
