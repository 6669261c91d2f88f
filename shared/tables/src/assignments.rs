//! The update expression of a change to a connection.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use session::connection::ConnectionId;
use session::end_user::EndUser;
use session::refresh::RefreshFailure;
use uuid::Uuid;

use crate::connection_item::end_user_attributes;
use crate::error::StoreError;
use crate::item::Item;
use crate::refresh_item;

/// The parts of an update expression. Every name gets a placeholder, since some are reserved words.
#[derive(Default)]
pub(crate) struct Assignments {
    set: Vec<String>,
    set_if_absent: Vec<String>,
    removed: Vec<String>,
    pub(crate) values: HashMap<String, AttributeValue>,
}

impl Assignments {
    pub(crate) fn set(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(format!(":{name}"), value);
        self.set.push(name.to_owned());
    }

    pub(crate) fn set_if_absent(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(format!(":{name}"), value);
        self.set_if_absent.push(name.to_owned());
    }

    pub(crate) fn is_about(&self, name: &str) -> bool {
        self.set.iter().chain(&self.removed).any(|known| known == name)
    }

    pub(crate) fn replace(&mut self, name: &str, value: Option<AttributeValue>) {
        match value {
            Some(value) => self.set(name, value),
            None => self.removed.push(name.to_owned()),
        }
    }

    pub(crate) fn end_user(
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

    /// The end of a renewal, successful or not. It also removes the lease, whoever holds it.
    pub(crate) fn renewal(
        &mut self,
        id: &ConnectionId,
        due_at: Option<Timestamp>,
        failure: Option<&RefreshFailure>,
    ) -> Result<(), StoreError> {
        self.replace(refresh_item::SHARD, due_at.map(|_| refresh_item::shard(id)));
        self.replace(refresh_item::DUE_AT, due_at.map(refresh_item::due_at));
        self.replace(refresh_item::FAILURE, failure.map(refresh_item::failure_text).transpose()?);
        self.replace(refresh_item::LEASE, None);
        self.replace(refresh_item::LEASE_ENDS_AT, None);
        Ok(())
    }

    pub(crate) fn expression(&self) -> String {
        let absent = self.set_if_absent.iter();
        let absent = absent.map(|name| format!("#{name} = if_not_exists(#{name}, :{name})"));
        let set = self.set.iter().map(|name| format!("#{name} = :{name}"));
        let set: Vec<_> = set.chain(absent).collect();
        let removed: Vec<_> = self.removed.iter().map(|name| format!("#{name}")).collect();
        let removal = if removed.is_empty() { "" } else { " REMOVE " };
        format!("SET {}{removal}{}", set.join(", "), removed.join(", "))
    }

    pub(crate) fn names(&self) -> HashMap<String, String> {
        let names = self.set.iter().chain(&self.set_if_absent).chain(&self.removed);
        names.map(|name| (format!("#{name}"), name.clone())).collect()
    }
}
