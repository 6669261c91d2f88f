//! The sessions table: one method per access pattern, each of which is one call.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use session::connect_session::ConnectSession;
use session::token::TokenHash;

use crate::error::StoreError;
use crate::session_item::{TOKEN_HASH, from_session, to_session, token_hash};
use crate::tables::Tables;

impl Tables {
    /// Stores a new session under its token's hash. If the hash exists already, an earlier attempt,
    /// whose answer was lost, has written it, since 256 random bits do not repeat. That is success.
    pub async fn put_session(
        &self,
        token: &TokenHash,
        session: ConnectSession,
    ) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.names.sessions)
            .set_item(Some(from_session(token, session)?))
            .condition_expression("attribute_not_exists(token_hash)");
        match Box::pin(put.send()).await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(error.into()),
            },
        }
    }

    /// The session of a token, expired or not. The read is strongly consistent, since browsers read
    /// a session right after it was created.
    pub async fn session(&self, token: &TokenHash) -> Result<Option<ConnectSession>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.names.sessions)
            .key(TOKEN_HASH, token_hash(token))
            .consistent_read(true);
        let output = Box::pin(get.send()).await?;
        output.item.map(to_session).transpose()
    }

    /// Deletes the session of a token, and returns it. `None` if there was no live session.
    pub async fn delete_session(
        &self,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ConnectSession>, StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.names.sessions)
            .key(TOKEN_HASH, token_hash(token))
            .condition_expression("expires_at_ms > :now")
            .expression_attribute_values(
                ":now",
                AttributeValue::N(now.as_millisecond().to_string()),
            )
            .return_values(ReturnValue::AllOld);
        match Box::pin(delete.send()).await {
            Ok(output) => output.attributes.map(to_session).transpose(),
            Err(error) => match error.as_service_error() {
                Some(cause) if cause.is_conditional_check_failed_exception() => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}
