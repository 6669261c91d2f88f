//! Messages to the browser that waits on a websocket (section 8 of the flow).

use serde_json::{Value, json};
use session::oauth_flow::Draft;

use crate::failure::Failure;

/// The connection was made.
pub fn success(draft: &Draft) -> Value {
    json!({
        "message_type": "success",
        "provider_config_key": draft.integration.as_str(),
        "connection_id": draft.connection_id.as_str(),
        "is_pending": false,
    })
}

/// The connection was not made. The id is the one that it would have had.
pub fn error(provider_config_key: &str, connection_id: &str, failure: &Failure) -> Value {
    json!({
        "message_type": "error",
        "provider_config_key": provider_config_key,
        "connection_id": connection_id,
        "error_type": failure.error_type,
        "error_desc": failure.description,
    })
}
