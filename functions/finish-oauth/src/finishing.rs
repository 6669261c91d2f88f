//! Finishes a flow that a callback has taken.

use std::sync::Arc;

use api::{Error, Response, Timestamp, telemetry};
use connect::Connect;
use connect::announcing::FailedAttempt;
use connect::saving::Credentials;
use flow::failure::Failure;
use flow::messages;
use flow::overrides::Overrides;
use flow::secrets::FlowSecrets;
use flow::variables::Variables;
use flow::{page, providers};
use futures_util::future::try_join;
use secrets::clients::Client;
use serde_json::{Map, json};
use session::auth_event;
use session::connect_session::ConnectSession;
use session::environment::Environment;
use session::event::Event;
use session::integration::Integration;
use session::oauth_flow::{FlowEnd, FlowHash, FlowToken, OauthFlow, Outcome};
use session::provider::Provider;
use sockets::Sockets;
use tables::attempts::{End, Saved};

use crate::callback::Callback;
use crate::exchange::{self, Grant};

/// A callback that has taken a flow.
#[derive(Debug)]
pub struct Finishing<'a> {
    /// DynamoDB, KMS and the client for providers.
    pub connect: &'a Connect,
    /// The sockets that wait for an outcome.
    pub sockets: &'a Sockets,
    /// The parameters that the provider sent.
    pub callback: &'a Callback<'a>,
    /// The hash of the flow's state.
    pub state: FlowHash,
    /// The time of the callback.
    pub now: Timestamp,
}

/// A flow that was taken, with everything to which it refers.
struct TakenFlow<'a> {
    flow: &'a OauthFlow,
    session: ConnectSession,
    environment: Arc<Environment>,
    /// `None` if it was removed while the user was at the provider.
    integration: Option<Integration>,
    provider: Option<Provider>,
}

impl TakenFlow<'_> {
    /// The webhooks about a failure.
    fn failure_events(&self, failure: &Failure, now: Timestamp) -> Result<Vec<Event>, Error> {
        let Some((kind, description)) = &failure.webhook else { return Ok(Vec::new()) };
        let failed = FailedAttempt {
            draft: &self.flow.draft,
            connection_id: Some(&self.flow.draft.connection_id),
            provider: self.provider.as_ref().map_or("unknown", Provider::name),
            auth_mode: self.provider.as_ref().map(Provider::auth_mode),
            failure: auth_event::Failure { kind, description },
        };
        failed.events(&self.environment, now)
    }
}

/// Why no connection was made.
enum Stop {
    /// The flow failed.
    Failed(Failure),
    /// The service itself failed.
    Broken(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Finishing<'_> {
    /// Makes the connection, and returns the page. Whatever the outcome, it is stored with the flow
    /// and the session, sent to the websocket client, and shown on the page.
    pub async fn finish(
        &self,
        flow: OauthFlow,
        cookie: &FlowToken,
        secrets: &[u8],
    ) -> Result<Response, Error> {
        let draft = &flow.draft;
        telemetry::note(|summary| summary.environment_id = Some(draft.environment_id));
        let (grants, tables) = (&self.connect.app.grants, &self.connect.app.tables);
        let secrets = FlowSecrets::open(cookie, &self.state, secrets)?;
        let environment = grants.environment(tables, draft.environment_id, self.now).await?;
        let (session, integration) = try_join(
            tables.session(&draft.session),
            tables.integration(draft.environment_id, &draft.integration),
        )
        .await?;
        // A session's item is kept for as long as its flows may take, so a missing one was deleted.
        let Some((session, environment)) = session
            .zip(environment)
            .filter(|(session, environment)| !environment.has_ended_sessions_of(session.minted_by))
        else {
            return self.session_gone(&flow).await;
        };
        telemetry::note(|summary| summary.session_id = Some(session.id));
        let provider = match &integration {
            Some(known) => providers::find(tables, environment.id, &known.provider).await?,
            None => None,
        };
        let taken = TakenFlow { flow: &flow, session, environment, integration, provider };
        match self.connection(&taken, secrets).await {
            Ok(Saved::SessionGone) => self.session_gone(&flow).await,
            Ok(Saved::Done) => {
                self.sockets.tell(flow.ws_client_id.as_deref(), &messages::success(draft)).await;
                Ok(page::of_end(&FlowEnd::Connected))
            }
            Ok(Saved::IntegrationGone) => self.failed(&taken, &gone_integration()).await,
            Ok(Saved::Conflict) => {
                let error = Error::internal("the id of a new connection is taken");
                self.broken(&taken, error).await
            }
            Err(Stop::Failed(failure)) => self.failed(&taken, &failure).await,
            Err(Stop::Broken(error)) => self.broken(&taken, error).await,
        }
    }

    /// All checks in the contract's order, the exchange, and the transaction.
    async fn connection(&self, taken: &TakenFlow<'_>, secrets: FlowSecrets) -> Result<Saved, Stop> {
        let (connect, callback, flow) = (self.connect, self.callback, taken.flow);
        let environment = &taken.environment;
        if let Some(provider) = &taken.provider {
            require_issuer(provider, callback)?;
        }
        let code = callback.text("code").filter(|_| !callback.is_error()).ok_or_else(|| {
            Failure::new("callback_err", callback.no_code()).announced("invalid_callback")
        })?;
        let integration = taken.integration.as_ref().ok_or_else(gone_integration)?;
        let provider = taken.provider.as_ref();
        let provider = provider.ok_or_else(|| Failure::unknown_provider(&integration.provider))?;
        let client = self.client(environment, integration, &secrets.overrides).await?;

        let none = Map::new();
        let variables = Variables {
            provider,
            connection_config: flow.connection_config.as_ref().unwrap_or(&none),
            credentials: &none,
        };
        let grant = Grant {
            code,
            redirect_uri: &flow.redirect_uri,
            code_verifier: secrets.code_verifier.as_deref(),
            client: &client,
        };
        let answer = exchange::redeem(&connect.outbound, variables, grant, self.now).await?;
        let new = Credentials {
            credentials: exchange::credentials(&answer, &secrets.overrides),
            connection_config: exchange::connection_config(
                &variables,
                &answer,
                callback,
                flow,
                &secrets.overrides,
            ),
            metadata: None,
            moves_updated_at: false,
            kept_tags: None,
            restores_deleted: true,
            client: Some(client),
        };
        let outcome = Outcome::connected(&flow.draft, self.now);
        let end = self.end(taken, &outcome, &FlowEnd::Connected);
        let draft = flow.draft.clone();
        Ok(connect.save(environment, provider, draft, new, end, self.now).await?)
    }

    /// The client of the authorization request: the integration's, with the overrides.
    async fn client(
        &self,
        environment: &Environment,
        integration: &Integration,
        overrides: &Overrides,
    ) -> Result<Client, Stop> {
        if let (Some(id), Some(secret)) = (&overrides.client_id, &overrides.client_secret) {
            return Ok(Client { id: id.clone(), secret: secret.clone() });
        }
        let own = self.connect.secrets(environment, self.now).client(integration).await?;
        let stored = integration.client.as_ref();
        let id = overrides.client_id.clone();
        let id = id.or_else(|| stored?.client_id.clone());
        let secret = overrides.client_secret.clone().or_else(|| Some(own?.secret));
        let client = id.zip(secret).map(|(id, secret)| Client { id, secret });
        Ok(client.ok_or_else(|| Failure::no_client(integration.key.as_str()))?)
    }

    /// The page for a failure. Its webhooks are written in the same transaction as the outcome.
    async fn failed(&self, taken: &TakenFlow<'_>, failure: &Failure) -> Result<Response, Error> {
        let flow = taken.flow;
        telemetry::note(|summary| summary.code = Some(failure.error_type));
        let key = flow.draft.integration.as_str();
        let outcome = Outcome::failed(key, failure.error_type, self.now);
        let end = failure.end(self.callback.error_json());
        let events = taken.failure_events(failure, self.now)?;
        self.connect.app.tables.fail(self.end(taken, &outcome, &end), events).await?;
        self.tell(flow, failure).await;
        Ok(page::of_end(&end))
    }

    /// The error for a failure of the service. The outcome is stored if that is possible: DynamoDB
    /// itself may be down.
    async fn broken(&self, taken: &TakenFlow<'_>, error: Error) -> Result<Response, Error> {
        let flow = taken.flow;
        let failure = Failure::new(error.code(), error.message()).announced("unknown");
        let key = flow.draft.integration.as_str();
        let outcome = Outcome::failed(key, failure.error_type, self.now);
        let end = failure.end(None);
        let events = taken.failure_events(&failure, self.now)?;
        let _ = self.connect.app.tables.fail(self.end(taken, &outcome, &end), events).await;
        self.tell(flow, &failure).await;
        Err(error)
    }

    /// The session was deleted while the user was at the provider: nothing is stored.
    async fn session_gone(&self, flow: &OauthFlow) -> Result<Response, Error> {
        let failure = Failure::new("session_deleted", "The session was deleted.");
        telemetry::note(|summary| summary.code = Some(failure.error_type));
        let end = failure.end(None);
        self.connect.app.tables.end_flow(&self.state, &end).await?;
        self.tell(flow, &failure).await;
        Ok(page::of_end(&end))
    }

    async fn tell(&self, flow: &OauthFlow, failure: &Failure) {
        let draft = &flow.draft;
        let id = draft.connection_id.as_str();
        let message = messages::error(draft.integration.as_str(), id, failure);
        self.sockets.tell(flow.ws_client_id.as_deref(), &message).await;
    }

    fn end<'b>(
        &'b self,
        taken: &'b TakenFlow<'_>,
        outcome: &'b Outcome,
        end: &'b FlowEnd,
    ) -> End<'b> {
        End {
            environment: taken.environment.id,
            session: &taken.flow.draft.session,
            outcomes_before: taken.session.outcomes.len(),
            outcome,
            flow: Some((&self.state, end)),
        }
    }
}

/// Refuses an answer from another authorization server than the expected one (RFC 9207 section
/// 2.4), if the provider's file names its issuer.
fn require_issuer(provider: &Provider, callback: &Callback<'_>) -> Result<(), Failure> {
    match provider.text("issuer") {
        Some(issuer) if callback.text("iss") != Some(issuer) => {
            let text = "The answer does not come from the issuer that was asked.";
            Err(Failure::new("issuer_err", text).announced("invalid_callback"))
        }
        _ => Ok(()),
    }
}

/// The failure if the integration was removed while the user was at the provider, in the contract's
/// words.
fn gone_integration() -> Failure {
    let message = "Cannot read properties of null (reading 'id')";
    Failure::unknown(Some(&json!({ "name": "TypeError", "message": message })))
}
