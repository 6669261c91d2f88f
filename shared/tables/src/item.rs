//! What items are made of: attributes by name, values stored as JSON text, and TTL.
//!
//! Values that GET returns as they were sent are stored as JSON text: a DynamoDB map forgets the
//! order of its keys, normalises numbers, and nests at most 32 levels deep.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::error::StoreError;

/// An item in the SDK's form.
pub type Item = HashMap<String, AttributeValue>;

/// The value of DynamoDB's TTL attribute: epoch seconds, rounded up, so that it never deletes
/// early.
pub fn ttl(expires_at_ms: i64) -> AttributeValue {
    AttributeValue::N((expires_at_ms + 999).div_euclid(1_000).to_string())
}

/// A value as JSON text, which keeps the order of its keys.
pub fn text_of(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unexpected(format!("item: {error}")))
}

/// A value stored as JSON text in one string attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Json<T>(pub T);

impl<T> Json<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.0).map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map(Self).map_err(de::Error::custom)
    }
}
