//! Which function a request is for, as API Gateway chooses it.
//!
//! API Gateway decodes the path before it looks for a route: `%2F` is a slash like any other, and
//! no parameter contains a slash. AWS ("Create routes for HTTP APIs") documents only that
//! parameters arrive decoded.

use std::borrow::Cow;
use std::time::Duration;

use api::settings::Settings;
use api::{Timestamp, lambda};
use axum::http::{Method, Uri};
use futures_util::future::BoxFuture;
use lambda_http::Context;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::State;

/// A route: its key in `template.yaml`, and what answers its events.
pub type Route = (&'static str, Handler);

/// Takes an event and returns the answer, both as JSON text.
pub type Handler = fn(&'static State, String, Context, Timestamp) -> Answer;
type Answer = BoxFuture<'static, Result<String, String>>;

/// The [`Handler`] that runs a function's `handle`. The words before the colon name what `handle`
/// takes besides the request and the time: the `settings`, the `app` (settings and DynamoDB) or
/// `connect` (the app, KMS and providers), and perhaps the `vault` or the `sockets`.
#[macro_export]
macro_rules! handler {
    (settings: $handle:path) => {
        |state, event, context, now| {
            let (settings, within) = (&state.connect.app.settings, api::lambda::ANSWER_WITHIN);
            Box::pin($crate::routes::answer(settings, $handle, event, context, now, within))
        }
    };
    (app: $handle:path) => {
        |state, event, context, now| {
            let (app, within) = (&state.connect.app, api::lambda::ANSWER_WITHIN);
            Box::pin($crate::routes::answer(app, $handle, event, context, now, within))
        }
    };
    (app, vault: $handle:path) => {
        |state, event, context, now| {
            let (app, within) = (&state.connect.app, api::lambda::ANSWER_WITHIN);
            let handle = |app, request, now| $handle(app, &state.connect.vault, request, now);
            Box::pin($crate::routes::answer(app, handle, event, context, now, within))
        }
    };
    (app, sockets: $handle:path) => {
        |state, event, context, now| {
            let (app, within) = (&state.connect.app, api::lambda::ANSWER_WITHIN);
            let handle = |app, request, now| $handle(app, &state.sockets, request, now);
            Box::pin($crate::routes::answer(app, handle, event, context, now, within))
        }
    };
    (connect: $handle:path) => {
        |state, event, context, now| {
            let within = api::lambda::ANSWER_WITHIN_CALLING_PROVIDERS;
            Box::pin($crate::routes::answer(&state.connect, $handle, event, context, now, within))
        }
    };
    (connect, sockets: $handle:path) => {
        |state, event, context, now| {
            let within = api::lambda::ANSWER_WITHIN_CALLING_PROVIDERS;
            let handle = |connect, request, now| $handle(connect, &state.sockets, request, now);
            Box::pin($crate::routes::answer(&state.connect, handle, event, context, now, within))
        }
    };
}

/// Every route of `template.yaml`; a test holds the two together.
pub const ROUTES: [Route; 36] = [
    ("POST /connect/sessions", handler!(app: create_session::handle)),
    ("POST /connect/sessions/reconnect", handler!(app: reconnect_session::handle)),
    ("GET /connect/session", handler!(app: get_session::handle)),
    ("HEAD /connect/session", handler!(app: get_session::handle)),
    ("DELETE /connect/session", handler!(app: delete_session::handle)),
    ("GET /connect/session/outcomes", handler!(app: get_session::handle)),
    ("GET /oauth/connect/{providerConfigKey}", handler!(app, sockets: start_oauth::handle)),
    ("HEAD /oauth/connect/{providerConfigKey}", handler!(app, sockets: start_oauth::handle)),
    ("GET /oauth/callback", handler!(connect, sockets: finish_oauth::handle)),
    ("POST /oauth/callback", handler!(connect, sockets: finish_oauth::handle)),
    ("POST /auth/unauthenticated/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /api-auth/api-key/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /api-auth/basic/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /oauth2/auth/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /auth/jwt/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /auth/two-step/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /auth/tba/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /auth/signature/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /auth/bill/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /auth/aws-sigv4/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("POST /auth/oauth-outbound/{providerConfigKey}", handler!(connect: authorize::handle)),
    ("GET /integrations", handler!(app, vault: list_integrations::handle)),
    ("GET /integrations/{uniqueKey}", handler!(app, vault: list_integrations::handle)),
    ("GET /providers", handler!(app: get_provider::handle)),
    ("GET /providers/{provider}", handler!(app: get_provider::handle)),
    ("POST /connect/telemetry", handler!(app: record_telemetry::handle)),
    ("GET /connect-ui/", handler!(settings: connect_ui::handle)),
    ("GET /connect-ui/{proxy+}", handler!(settings: connect_ui::handle)),
    ("GET /images/template-logos/{file}", handler!(settings: connect_ui::handle)),
    ("GET /connections", handler!(app: list_connections::handle)),
    ("POST /connections", handler!(connect: import_connection::handle)),
    ("GET /connections/{connectionId}", handler!(connect: get_connection::handle)),
    ("PATCH /connections/{connectionId}", handler!(app: update_connection::handle)),
    ("DELETE /connections/{connectionId}", handler!(connect: delete_connection::handle)),
    ("POST /connections/metadata", handler!(app: update_connection::handle)),
    ("PATCH /connections/metadata", handler!(app: update_connection::handle)),
];

/// Answers an event with a function's `handle`, as Lambda does.
pub async fn answer<S, H, F>(
    state: &'static S,
    handle: H,
    event: String,
    context: Context,
    now: Timestamp,
    within: Duration,
) -> Result<String, String>
where
    S: AsRef<Settings> + Sync,
    H: Fn(&'static S, api::Request, Timestamp) -> F + Send + Sync + 'static,
    F: Future<Output = Result<api::Response, api::Error>> + Send + 'static,
{
    let answer = lambda::answer(state, handle, &event, context, now, within).await?;
    serde_json::to_string(&answer).map_err(|problem| problem.to_string())
}

/// Finds the route of a request. A literal segment takes precedence over a parameter.
pub struct Router(matchit::Router<Route>);

impl Router {
    /// A router of `routes`, whose keys must differ.
    pub fn new(routes: &[Route]) -> Self {
        let mut tree = matchit::Router::new();
        for route in routes {
            let (method, path) = route.0.split_once(' ').unwrap_or_default();
            // AWS writes `{proxy+}` for a parameter that takes the rest of the path.
            let path = path.replace("{proxy+}", "{*proxy}");
            let inserted = tree.insert(lookup_path(method, &path), *route);
            debug_assert!(inserted.is_ok(), "{}: {inserted:?}", route.0);
        }
        Self(tree)
    }

    /// The route for a method and a decoded path, and the parameters in the path.
    pub fn find(&self, method: &Method, path: &str) -> Option<(Route, Map<String, Value>)> {
        let path = lookup_path(method.as_str(), path);
        let found = self.0.at(&path).ok()?;
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), json!(value)));
        Some((*found.value, parameters.collect()))
    }
}

/// One tree serves all methods: a method has no slash, so it can be the first segment.
fn lookup_path(method: &str, path: &str) -> String {
    format!("/{method}{path}")
}

/// The decoded path of a request. Bytes that are not UTF-8 become U+FFFD.
pub fn decoded_path(uri: &Uri) -> Cow<'_, str> {
    percent_decode_str(uri.path()).decode_utf8_lossy()
}
