//! A browser's side of an OAuth flow.

use serde_json::Value;
use url::Url;

use crate::call::{Call, Reply};
use crate::flow::Flow;

/// A flow that a browser has started.
#[derive(Debug, Clone)]
pub struct Started {
    /// The URL to which the browser was sent.
    pub location: Url,
    /// The `Cookie` header that the browser sends from now on.
    pub cookie: String,
}

impl Started {
    /// Reads the answer to the start.
    pub fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 302, "{reply:?}");
        let location = reply.header("location").expect("a location");
        let cookie = reply.header("set-cookie").expect("a cookie");
        Self {
            location: location.parse().expect("a URL"),
            cookie: cookie.split(';').next().unwrap_or_default().to_owned(),
        }
    }

    /// A parameter of that URL.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self.location.query_pairs();
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The names of its parameters, in their order.
    pub fn names(&self) -> Vec<String> {
        self.location.query_pairs().map(|(name, _)| name.into_owned()).collect()
    }

    /// The `state`.
    pub fn state(&self) -> String {
        self.parameter("state").expect("a state")
    }

    /// The callback of this flow with further parameters, as its browser sends it.
    pub fn callback(&self, query: &str) -> Call {
        self.foreign_callback(query).header("cookie", &self.cookie)
    }

    /// The same from a browser that did not start the flow.
    pub fn foreign_callback(&self, query: &str) -> Call {
        Call::new("GET", &format!("/oauth/callback?state={}&{query}", self.state()))
    }
}

impl Flow {
    /// Sends `GET /oauth/connect/…` for an integration, which may have a query.
    pub async fn start_reply(&self, integration: &str, token: &str) -> Reply {
        self.world.send(start(integration, token)).await
    }

    /// As [`start_reply`](Self::start_reply), asserting that it redirects.
    pub async fn start_oauth(&self, integration: &str, token: &str) -> Started {
        Started::of(&self.start_reply(integration, token).await)
    }

    /// Runs the whole flow of a user who consents, and returns the page at its end.
    pub async fn consent(&self, integration: &str, token: &str, code: &str) -> Reply {
        let started = self.start_oauth(integration, token).await;
        self.world.send(started.callback(&format!("code={code}"))).await
    }

    /// The outcomes of a session.
    pub async fn outcomes(&self, token: &str) -> Value {
        let call = Call::new("GET", "/connect/session/outcomes").bearer(token);
        let reply = self.world.send(call).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["data"].take()
    }
}

/// `GET /oauth/connect/…`. The token goes before the integration's own query.
pub fn start(integration: &str, token: &str) -> Call {
    let (key, query) = integration.split_once('?').unwrap_or((integration, ""));
    Call::new("GET", &format!("/oauth/connect/{key}?connect_session_token={token}&{query}"))
}

/// The message that a page posts to its opener: none, or that of the error.
pub fn told(page: &Reply) -> Option<String> {
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{page:?}");
    let (_, rest) = page.body.split_once("window.__nangoOAuthError = ").expect("a script");
    let told = rest.split(";\n").next().unwrap_or_default();
    let told: Value = serde_json::from_str(told).expect("JSON");
    if told.is_null() {
        return None;
    }
    assert_eq!(told["errorType"], "connection_validation_failed");
    Some(told["message"].as_str().expect("a message").to_owned())
}
