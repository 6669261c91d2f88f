//! The state of refreshing: attributes of a connection's item.
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `refresh_shard` | S | one of [`SHARDS`], by the id; partition key of `by-refresh-due` |
//! | `refresh_due_at` | S | epoch milliseconds, 13 digits; sort key of `by-refresh-due` |
//! | `refresh_failure` | S | JSON text of the last renewal, if it failed |
//! | `refresh_lease` | S | who is renewing the credentials |
//! | `refresh_lease_ends_at_ms` | N | when that ends |
//!
//! The first two exist only if a grant is kept alive, so the index contains only these connections.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Deserialize;
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use session::connect_session::timestamp;
use session::connection::ConnectionId;
use session::refresh::{Lease, RefreshFailure, RefreshState};
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::{Item, Json, text_of};

/// The partitions of the index `by-refresh-due`. One partition accepts 1,000 writes a second (AWS,
/// "Best practices for designing and using partition keys"), and each renewal makes two.
pub const SHARDS: [&str; 16] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

/// The attribute with the partition in the index.
pub const SHARD: &str = "refresh_shard";
/// The attribute with the time at which the grant is due.
pub const DUE_AT: &str = "refresh_due_at";
/// The attribute with the last failure.
pub const FAILURE: &str = "refresh_failure";
/// The attribute with the owner of the lease.
pub const LEASE: &str = "refresh_lease";
/// The attribute with the end of the lease.
pub const LEASE_ENDS_AT: &str = "refresh_lease_ends_at_ms";

/// All attributes of a state, for an item that is written whole.
pub fn attributes(id: &ConnectionId, state: &RefreshState) -> Result<Item, StoreError> {
    let mut item = Item::new();
    if let Some(moment) = state.due_at {
        item.insert(SHARD.to_owned(), shard(id));
        item.insert(DUE_AT.to_owned(), due_at(moment));
    }
    if let Some(failure) = &state.failure {
        item.insert(FAILURE.to_owned(), failure_text(failure)?);
    }
    if let Some(lease) = &state.lease {
        item.insert(LEASE.to_owned(), owner(lease.owner));
        item.insert(LEASE_ENDS_AT.to_owned(), moment_ms(lease.ends_at));
    }
    Ok(item)
}

/// The partition of a connection in the index.
pub fn shard(id: &ConnectionId) -> AttributeValue {
    let sum = id.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    AttributeValue::S(SHARDS[usize::from(sum) % SHARDS.len()].to_owned())
}

/// A time in the form that sorts correctly in the index.
pub fn due_at(moment: Timestamp) -> AttributeValue {
    AttributeValue::S(format!("{:013}", moment.as_millisecond().max(0)))
}

/// A failure in its stored form.
pub fn failure_text(failure: &RefreshFailure) -> Result<AttributeValue, StoreError> {
    Ok(AttributeValue::S(text_of(failure)?))
}

/// The owner of a lease in its stored form.
pub fn owner(owner: Uuid) -> AttributeValue {
    AttributeValue::S(owner.to_string())
}

/// A time in epoch milliseconds.
pub fn moment_ms(moment: Timestamp) -> AttributeValue {
    AttributeValue::N(moment.as_millisecond().to_string())
}

/// The state in an item.
pub fn to_state(item: &Item) -> Result<RefreshState, StoreError> {
    #[derive(Deserialize)]
    #[expect(clippy::struct_field_names, reason = "the names of the attributes")]
    struct StateItem {
        refresh_due_at: Option<String>,
        refresh_failure: Option<Json<RefreshFailure>>,
        refresh_lease: Option<Uuid>,
        refresh_lease_ends_at_ms: Option<i64>,
    }
    let names = [DUE_AT, FAILURE, LEASE, LEASE_ENDS_AT];
    let own = names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
    let item: StateItem = from_item(own.collect::<Item>())?;
    let lease = item.refresh_lease.zip(item.refresh_lease_ends_at_ms);
    Ok(RefreshState {
        due_at: item.refresh_due_at.and_then(|text| text.parse().ok()).map(timestamp),
        failure: item.refresh_failure.map(Json::into_inner),
        lease: lease.map(|(owner, ms)| Lease { owner, ends_at: timestamp(ms) }),
    })
}
