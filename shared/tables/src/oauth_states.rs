//! OAuth flows in progress, in the sessions table: the key is SHA-256 of the `state`.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use serde::Deserialize;
use serde_dynamo::aws_sdk_dynamodb_1::from_item;
use session::oauth_flow::{FLOW_LIFETIME_MS, FlowEnd, FlowHash, OauthFlow};
use uuid::Uuid;

use crate::error::StoreError;
use crate::item::{Item, Json, text_of, ttl};
use crate::session_item::TOKEN_HASH;
use crate::tables::Tables;

/// The attribute that contains the flow's secrets, sealed with a key from its cookie.
pub const SECRETS: &str = "flow_secrets";

/// What a callback finds under its state.
#[derive(Debug)]
pub enum Taken {
    /// No flow, or one that began more than an hour ago.
    Unknown,
    /// The flow of another browser: the cookie is missing, or is not that of the start.
    Foreign(Box<OauthFlow>),
    /// An earlier callback has taken the flow. It ended like this, if it has ended.
    Before(Option<FlowEnd>),
    /// The flow, which no other callback can take now, and its sealed secrets.
    Now(Box<OauthFlow>, Vec<u8>),
}

impl Tables {
    /// Stores a flow that starts now.
    pub async fn put_flow(
        &self,
        state: &FlowHash,
        cookie: &FlowHash,
        flow: &OauthFlow,
        secrets: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let expires_at_ms = now.as_millisecond() + FLOW_LIFETIME_MS;
        let put = self
            .client
            .put_item()
            .table_name(&self.names.sessions)
            .item(TOKEN_HASH, key(state))
            .item("cookie_hash", key(cookie))
            .item("flow", AttributeValue::S(text_of(flow)?))
            .item(SECRETS, AttributeValue::B(Blob::new(secrets)))
            .item("expires_at_ms", AttributeValue::N(expires_at_ms.to_string()))
            .item("ttl", ttl(expires_at_ms));
        Box::pin(put.send()).await?;
        Ok(())
    }

    /// Takes the flow of a state for a browser with this cookie. The condition lets a flow be taken
    /// only once; a random mark distinguishes a retry of the same call from another callback.
    pub async fn take_flow(
        &self,
        state: &FlowHash,
        cookie: Option<&FlowHash>,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let mark = Uuid::new_v4().to_string();
        let no_cookie = AttributeValue::B(Blob::new(Vec::new()));
        let update = self
            .client
            .update_item()
            .table_name(&self.names.sessions)
            .key(TOKEN_HASH, key(state))
            .update_expression("SET taken_by = :mark")
            .condition_expression(
                "cookie_hash = :cookie AND attribute_not_exists(taken_by) AND expires_at_ms > :now",
            )
            .expression_attribute_values(":mark", AttributeValue::S(mark.clone()))
            .expression_attribute_values(":cookie", cookie.map_or(no_cookie, key))
            .expression_attribute_values(
                ":now",
                AttributeValue::N(now.as_millisecond().to_string()),
            )
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let item = match Box::pin(update.send()).await {
            Ok(output) => output.attributes,
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(cause)) => {
                    cause.item().cloned()
                }
                _ => return Err(error.into()),
            },
        };
        let Some(item) = item.filter(|item| !item.is_empty()) else { return Ok(Taken::Unknown) };
        let StoredFlow { cookie_hash, flow, taken_by, flow_end, expires_at_ms, flow_secrets } =
            stored(item)?;
        Ok(if expires_at_ms <= now.as_millisecond() {
            Taken::Unknown
        } else if cookie.is_none_or(|cookie| cookie.as_bytes() != cookie_hash) {
            Taken::Foreign(Box::new(flow.0))
        } else if taken_by == Some(mark) {
            Taken::Now(Box::new(flow.0), flow_secrets)
        } else {
            Taken::Before(flow_end.map(Json::into_inner))
        })
    }

    /// Records how a flow ended whose session no longer exists.
    pub async fn end_flow(&self, state: &FlowHash, end: &FlowEnd) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.names.sessions)
            .key(TOKEN_HASH, key(state))
            .update_expression("SET flow_end = :end")
            .expression_attribute_values(":end", AttributeValue::S(text_of(end)?))
            .condition_expression("attribute_exists(token_hash)");
        match Box::pin(update.send()).await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(error.into()),
            },
        }
    }
}

/// The key of a flow's item.
pub fn key(hash: &FlowHash) -> AttributeValue {
    AttributeValue::B(Blob::new(hash.as_bytes()))
}

#[derive(Deserialize)]
struct StoredFlow {
    #[serde(skip)]
    cookie_hash: Vec<u8>,
    flow: Json<OauthFlow>,
    taken_by: Option<String>,
    flow_end: Option<Json<FlowEnd>>,
    expires_at_ms: i64,
    #[serde(skip)]
    flow_secrets: Vec<u8>,
}

fn stored(mut item: Item) -> Result<StoredFlow, StoreError> {
    let mut bytes = |name: &str| match item.remove(name) {
        Some(AttributeValue::B(bytes)) => bytes.into_inner(),
        _ => Vec::new(),
    };
    let (cookie_hash, flow_secrets) = (bytes("cookie_hash"), bytes(SECRETS));
    item.remove(TOKEN_HASH);
    Ok(StoredFlow { cookie_hash, flow_secrets, ..from_item(item)? })
}
