//! Update expressions of connections.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use session::connection::ConnectionId;
use session::end_user::EndUser;
use uuid::Uuid;

use crate::connection_item::end_user_attributes;
use crate::error::StoreError;
use crate::item::Item;

/// The parts of an update expression. Every name is given a placeholder, since some are reserved.
#[derive(Default)]
pub struct Assignments {
    set: Vec<String>,
    set_if_absent: Vec<String>,
    removed: Vec<String>,
    pub values: HashMap<String, AttributeValue>,
}

impl Assignments {
    pub fn set(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(format!(":{name}"), value);
        self.set.push(name.to_owned());
    }

    pub fn set_if_absent(&mut self, name: &str, value: AttributeValue) {
        self.values.insert(format!(":{name}"), value);
        self.set_if_absent.push(name.to_owned());
    }

    pub fn is_about(&self, name: &str) -> bool {
        self.set.iter().chain(&self.removed).any(|known| known == name)
    }

    pub fn replace(&mut self, name: &str, value: Option<AttributeValue>) {
        match value {
            Some(value) => self.set(name, value),
            None => self.removed.push(name.to_owned()),
        }
    }

    pub fn end_user(
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

    pub fn expression(&self) -> String {
        let absent = self.set_if_absent.iter();
        let absent = absent.map(|name| format!("#{name} = if_not_exists(#{name}, :{name})"));
        let set = self.set.iter().map(|name| format!("#{name} = :{name}"));
        let set: Vec<_> = set.chain(absent).collect();
        let removed: Vec<_> = self.removed.iter().map(|name| format!("#{name}")).collect();
        let removal = if removed.is_empty() { "" } else { " REMOVE " };
        format!("SET {}{removal}{}", set.join(", "), removed.join(", "))
    }

    pub fn names(&self) -> HashMap<String, String> {
        let names = self.set.iter().chain(&self.set_if_absent).chain(&self.removed);
        names.map(|name| (format!("#{name}"), name.clone())).collect()
    }
}
