//! The texts for people when a flow has failed: what happened, and what to do.

/// Heading and advice for an error type and its message.
pub fn of(error_type: &str, message: &str) -> (&'static str, &'static str) {
    match error_type {
        "callback_err" if message.contains("access_denied") => (
            "Access was not granted",
            "You declined, or your account may not grant what was asked for. Nothing was connected. \
             Close this window, and try again if that was not what you wanted.",
        ),
        "callback_err" => (
            "The provider sent you back without access",
            "Nothing was connected. Close this window and try again; if it happens again, ask the \
             support of the app you came from.",
        ),
        "session_deleted" => (
            "This session has ended",
            "The app that you came from has ended it. Nothing was connected. Close this window, go \
             back to the app and start again.",
        ),
        "unknown_connect_session_token"
        | "invalid_connect_session_token_format"
        | "missing_public_key" => (
            "This link is no longer valid",
            "It has expired, or the app that you came from has ended it. Close this window, go back \
             to the app and start again.",
        ),
        "state_cookie_err" => (
            "This browser did not start the connection",
            "The connection must be finished in the browser that started it, with cookies allowed. \
             Nothing was connected. Close this window, go back to the app and start again.",
        ),
        "unknown_state" | "invalid_oauth_state" => (
            "This connection attempt has expired",
            "It is too old, or it is already finished. Close this window, go back to the app and \
             start again.",
        ),
        "flow_not_finished" => (
            "This connection attempt was interrupted",
            "It began to finish and did not get to its end. Close this window, go back to the app, \
             see whether the account is connected, and otherwise start again.",
        ),
        "url_param_err" => (
            "A value is missing or wrong",
            "The provider's address could not be made of what was entered. Close this window, check \
             what you entered in the app, and try again.",
        ),
        "issuer_err" => (
            "The answer came from another provider",
            "Nothing was connected, to be safe. Close this window, go back to the app and start \
             again.",
        ),
        "provider_config_err" | "unknown_config_key" | "auth_mode_err" => (
            "This integration is not set up",
            "The app that you came from has to finish its set-up first. Tell its support what the \
             details below say.",
        ),
        "integration_not_allowed" => (
            "This integration is not allowed here",
            "Close this window, go back to the app and choose another integration.",
        ),
        "invalid_connection" => (
            "The connection no longer exists",
            "It was deleted meanwhile, so it cannot be renewed. Close this window, go back to the \
             app and connect the account anew.",
        ),
        "server_error" | "service_unavailable" => {
            ("Something went wrong on our side", "Close this window and try again in a moment.")
        }
        _ => (
            "The connection could not be made",
            "Nothing was connected. Close this window and try again; if it happens again, send the \
             details below to the support of the app you came from.",
        ),
    }
}
