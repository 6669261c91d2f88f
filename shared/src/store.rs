//! DynamoDB: two tables, one method per access pattern, each of them one call.
//!
//! Outcomes that a caller tells apart are values; an error means that the question was not
//! answered. Every write that could race carries its condition with it.
//!
//! A future of the SDK holds kilobytes. It is put on the heap where it is made, so that it is not
//! copied into each of the futures around it.

pub mod client;
pub mod item;
pub mod record;
pub mod registry;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use crate::Timestamp;
use crate::session::ConnectSession;
use crate::settings::Settings;
use crate::token::TokenHash;

/// DynamoDB did not answer the question.
#[derive(Debug)]
pub enum StoreError {
    /// Throttled, timed out or unreachable, retries included. Trying later may help.
    Unavailable(String),
    /// Anything else.
    Unexpected(String),
}

/// The two tables.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    sessions_table: String,
    registry_table: String,
}

impl Store {
    /// The tables that the settings name.
    pub fn new(client: Client, settings: &Settings) -> Self {
        Self {
            client,
            sessions_table: settings.sessions_table.clone(),
            registry_table: settings.registry_table.clone(),
        }
    }

    /// Stores a new session under its token's hash. A hash is never written twice: where it is
    /// there already, an attempt whose answer was lost has written it, since nobody draws the same
    /// 256 bits again.
    pub async fn put_session(
        &self,
        token: &TokenHash,
        session: ConnectSession,
    ) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.sessions_table)
            .set_item(Some(item::from_session(token, session)?))
            .condition_expression("attribute_not_exists(token_hash)");
        match Box::pin(put.send()).await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(error.into()),
            },
        }
    }

    /// The session of a token, live or not. The read is strongly consistent, since browsers read
    /// right after the mint.
    pub async fn session(&self, token: &TokenHash) -> Result<Option<ConnectSession>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.sessions_table)
            .key(item::TOKEN_HASH, item::token_hash(token))
            .consistent_read(true);
        let output = Box::pin(get.send()).await?;
        output.item.map(item::to_session).transpose()
    }

    /// Ends the session of a token, and answers it. `None` means that there was no live one.
    pub async fn delete_session(
        &self,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ConnectSession>, StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.sessions_table)
            .key(item::TOKEN_HASH, item::token_hash(token))
            .condition_expression("expires_at_ms > :now")
            .expression_attribute_values(
                ":now",
                AttributeValue::N(now.as_millisecond().to_string()),
            )
            .return_values(ReturnValue::AllOld);
        match Box::pin(delete.send()).await {
            Ok(output) => output.attributes.map(item::to_session).transpose(),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let is_transient = match &error {
            SdkError::TimeoutError(_)
            | SdkError::DispatchFailure(_)
            | SdkError::ResponseError(_) => true,
            SdkError::ServiceError(context) => matches!(
                context.err().code(),
                Some(
                    "ProvisionedThroughputExceededException"
                        | "RequestLimitExceeded"
                        | "ThrottlingException"
                        | "InternalServerError"
                        | "ServiceUnavailable"
                        | "TransactionCanceledException"
                        | "TransactionConflictException"
                ) | None
            ),
            _ => false,
        };
        let cause = DisplayErrorContext(&error).to_string();
        if is_transient { Self::Unavailable(cause) } else { Self::Unexpected(cause) }
    }
}

impl From<serde_dynamo::Error> for StoreError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Unexpected(format!("item: {error}"))
    }
}
