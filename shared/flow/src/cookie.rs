//! The cookie that binds a flow to the browser that starts it (RFC 9700 section 2.1). Each state
//! has its own cookie, so that two popups do not disturb each other.

use api::Timestamp;
use lambda_http::http::HeaderMap;
use lambda_http::http::header::COOKIE;
use session::oauth_flow::{FLOW_LIFETIME_MS, FlowToken};

/// The `Set-Cookie` value for a flow that starts now. `Lax`, since the callback is a navigation
/// from another site.
pub fn set(state: &FlowToken, value: &FlowToken, is_https: bool, now: Timestamp) -> String {
    let ends_at = Timestamp::from_millisecond(now.as_millisecond() + FLOW_LIFETIME_MS);
    let ends_at = ends_at.unwrap_or(Timestamp::MAX).strftime("%a, %d %b %Y %H:%M:%S GMT");
    format!(
        "oauth2-{}={}; Max-Age={}; Path=/; Expires={ends_at}; HttpOnly; {}SameSite=Lax",
        state.expose(),
        value.expose(),
        FLOW_LIFETIME_MS / 1_000,
        if is_https { "Secure; " } else { "" },
    )
}

/// The value of a state's cookie, if the browser sent it.
pub fn read(headers: &HeaderMap, state: &FlowToken) -> Option<FlowToken> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|value| value.split(';')).filter_map(|one| one.split_once('='));
    let (_, value) = pairs.find(|(name, _)| {
        name.trim().strip_prefix("oauth2-").is_some_and(|name| name == state.expose())
    })?;
    FlowToken::parse(value.trim())
}
