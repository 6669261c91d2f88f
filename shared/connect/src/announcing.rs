//! The webhooks about the outcome of an attempt to connect (section 13 of the flow).

use jiff::Timestamp;
use session::Error;
use session::auth_event::{AuthEvent, Failure, Operation};
use session::connection::ConnectionId;
use session::environment::Environment;
use session::event::Event;
use session::oauth_flow::Draft;
use session::provider::{AuthMode, Provider};
use session::tags::Tags;

use crate::connect::Connect;

fn operation(draft: &Draft) -> Operation {
    if draft.is_reconnect { Operation::Override } else { Operation::Creation }
}

impl Connect {
    /// The webhooks about the new connection of a draft, to be written in the same transaction.
    pub(crate) async fn success_events(
        &self,
        environment: &Environment,
        provider: &Provider,
        draft: &Draft,
        kept_tags: Option<Tags>,
        now: Timestamp,
    ) -> Result<Vec<Event>, Error> {
        let own_url = draft.webhook_url_override.as_deref();
        if !AuthEvent::is_wanted(operation(draft), environment, own_url) {
            return Ok(Vec::new());
        }
        // A reconnected connection keeps its tags unless the session replaces them.
        let keeps_tags = draft.is_reconnect && draft.tags.iter().next().is_none();
        let kept_tags = if keeps_tags && kept_tags.is_none() {
            let (tables, key) = (&self.app.tables, &draft.integration);
            let found = tables.connection(environment.id, key, &draft.connection_id).await?;
            found.map(|connection| connection.tags)
        } else {
            kept_tags.filter(|_| keeps_tags)
        };
        let event = AuthEvent {
            operation: operation(draft),
            auth_mode: Some(provider.auth_mode()),
            connection_id: Some(&draft.connection_id),
            integration: &draft.integration,
            provider: provider.name(),
            end_user: draft.end_user.as_ref(),
            tags: Some(kept_tags.as_ref().unwrap_or(&draft.tags)),
            failure: None,
            own_url,
        };
        event.webhooks(environment, now)
    }
}

/// An attempt that failed.
#[derive(Debug)]
pub struct FailedAttempt<'a> {
    /// The connection that was to be made.
    pub draft: &'a Draft,
    /// The connection id in the webhook, if it has one.
    pub connection_id: Option<&'a ConnectionId>,
    /// The provider's name; `unknown` for the JSON endpoints.
    pub provider: &'a str,
    /// Its auth mode; `None` if the provider no longer exists.
    pub auth_mode: Option<AuthMode>,
    /// Why it failed.
    pub failure: Failure<'a>,
}

impl FailedAttempt<'_> {
    /// The webhooks about the failure.
    pub fn events(self, environment: &Environment, now: Timestamp) -> Result<Vec<Event>, Error> {
        let draft = self.draft;
        let event = AuthEvent {
            operation: operation(draft),
            auth_mode: self.auth_mode,
            connection_id: self.connection_id,
            integration: &draft.integration,
            provider: self.provider,
            end_user: draft.end_user.as_ref(),
            tags: None,
            failure: Some(self.failure),
            own_url: draft.webhook_url_override.as_deref(),
        };
        event.webhooks(environment, now)
    }
}
