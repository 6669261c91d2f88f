//! The entry point of functions: Lambda delivers an event, a handler runs, an answer goes back.

use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws::{Roots, SdkConfig, Waits};
use futures_util::FutureExt;
use jiff::Timestamp;
use lambda_http::http::header::CONTENT_LENGTH;
use lambda_http::http::{HeaderValue, Method};
use lambda_http::{
    Adapter, Body, BoxFuture, Context, IntoResponse, LambdaEvent, RequestExt, Service, service_fn,
};
use lambda_runtime::{Diagnostic, Runtime};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use session::Error;
use tokio::runtime::LocalOptions;

use crate::app::App;
use crate::event;
use crate::request::{Request, route_key};
use crate::response::{self, Response};
use crate::settings::{InitError, Settings};
use crate::telemetry::{self, CountCalls};

/// The time for a request. It ends before the functions' timeout, which is 10 seconds.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// The same for functions that call providers, whose timeout is 25 seconds: a provider may take 10
/// seconds for one call.
pub const ANSWER_WITHIN_CALLING_PROVIDERS: Duration = Duration::from_secs(24);

/// Runs the Lambda function of an endpoint that needs only DynamoDB.
pub fn run<H, F>(handle: H) -> Result<(), InitError>
where
    H: Fn(&'static App, Request, Timestamp) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, Error>> + Send + 'static,
{
    run_with(|start| Ok(start.app), handle, ANSWER_WITHIN)
}

/// Runs the Lambda function of an endpoint that needs nothing of AWS.
pub fn run_alone<H, F>(handle: H) -> Result<(), InitError>
where
    H: Fn(&'static Settings, Request, Timestamp) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, Error>> + Send + 'static,
{
    serve(async |settings| Ok(settings), requests(handle, ANSWER_WITHIN))
}

/// Runs the Lambda function of an endpoint that needs more than DynamoDB: `assemble` makes its
/// state. Each request is answered `within` this time.
pub fn run_with<S, H, F>(
    assemble: impl FnOnce(Start) -> Result<S, InitError>,
    handle: H,
    within: Duration,
) -> Result<(), InitError>
where
    S: AsRef<Settings> + Sync + 'static,
    H: Fn(&'static S, Request, Timestamp) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, Error>> + Send + 'static,
{
    let assemble = async |settings| assemble(start(settings, Waits::REQUEST).await?);
    serve(assemble, requests(handle, within))
}

/// Answers one request after the other.
fn requests<S, H, F>(
    handle: H,
    within: Duration,
) -> impl AsyncFnOnce(&'static S) -> Result<(), lambda_runtime::Error>
where
    S: AsRef<Settings> + Sync + 'static,
    H: Fn(&'static S, Request, Timestamp) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, Error>> + Send + 'static,
{
    async move |state: &'static S| {
        let answer = move |event: LambdaEvent<Box<RawValue>>| {
            let LambdaEvent { payload, context } = event;
            // Boxed, since the runtime moves this large future around: see the `tables` crate.
            Box::pin(
                async move { answer(state, handle, payload.get(), context, clock(), within).await },
            )
        };
        Runtime::new(service_fn(answer)).run().await
    }
}

/// Runs a Lambda function that is invoked directly, with any JSON. The handler also gets the time
/// that the invocation has left.
pub fn run_invocation<S, H, F>(
    assemble: impl FnOnce(Start) -> Result<S, InitError>,
    handle: H,
) -> Result<(), InitError>
where
    S: Sync + 'static,
    H: Fn(&'static S, Value, Timestamp, Duration) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Value, InvocationFailure>> + Send + 'static,
{
    let assemble = async |settings| assemble(start(settings, Waits::INVOCATION).await?);
    serve(assemble, async move |state: &'static S| {
        let answer = move |event: LambdaEvent<Value>| async move {
            let LambdaEvent { payload, context } = event;
            let now = clock();
            let ends_at_ms = i64::try_from(context.deadline).unwrap_or(i64::MAX);
            let time = u64::try_from(ends_at_ms - now.as_millisecond()).unwrap_or_default();
            let handled = handle(state, payload, now, Duration::from_millis(time));
            telemetry::identify(context.request_id, handled).await
        };
        Runtime::new(service_fn(answer)).run().await
    })
}

/// Why an invocation fails. The caller gets all of it, the log only the code: the Lambda runtime
/// logs the `Debug` form of every failure, and the body may contain new secrets.
pub struct InvocationFailure {
    /// The kind of failure.
    pub code: &'static str,
    /// Everything that the caller should know, as JSON.
    pub body: Value,
}

impl fmt::Debug for InvocationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the invocation failed: {}", self.code)
    }
}

/// Answered as `{"errorType": code, "errorMessage": body}`.
impl From<InvocationFailure> for Diagnostic {
    fn from(failure: InvocationFailure) -> Self {
        Self { error_type: failure.code.to_owned(), error_message: failure.body.to_string() }
    }
}

/// Answers one API Gateway event. It fails only if the input is not such an event; the error then
/// does not quote the input.
pub async fn answer<'a, S, H, F>(
    state: &'a S,
    handle: H,
    event: &str,
    context: Context,
    now: Timestamp,
    within: Duration,
) -> Result<impl Serialize + use<S, H, F>, &'static str>
where
    S: AsRef<Settings> + Sync,
    H: Fn(&'a S, Request, Timestamp) -> F + Send + Sync + 'a,
    F: Future<Output = Result<Response, Error>> + Send + 'a,
{
    let event = event::read(event).ok_or("not an API Gateway event of payload format 2.0")?;
    let event = LambdaEvent::new(event, context);
    let handle = &handle;
    let respond = service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(Answer(respond(state, handle, request, now, within).await))
    });
    let Ok(answer) = Adapter::from(respond).call(event).await;
    Ok(answer)
}

/// An answer whose body type says whether it is text. By default `lambda_http` decides by the media
/// type and decodes text, which links the tables of every encoding of the Web: 4 % of a function's
/// upload (`docs/decisions.md`).
struct Answer(Response);

impl IntoResponse for Answer {
    fn into_response(self) -> BoxFuture<'static, Response> {
        Box::pin(ready(self.0))
    }
}

/// Runs the handler. Whatever happens, there is an answer and one summary line in the log.
async fn respond<'a, S, H, F>(
    state: &'a S,
    handle: &H,
    request: Request,
    now: Timestamp,
    within: Duration,
) -> Response
where
    S: AsRef<Settings>,
    H: Fn(&'a S, Request, Timestamp) -> F,
    F: Future<Output = Result<Response, Error>> + Send + 'a,
{
    let is_head = request.method() == Method::HEAD;
    let route = route_key(&request);
    let request_id = request.lambda_context_ref().map(|context| context.request_id.clone());
    let namespace = &state.as_ref().metrics_namespace;
    let status = |response: &Response| response.status().as_u16();
    telemetry::summarise(&route, request_id.unwrap_or_default(), namespace, now, status, async {
        // Boxed, like the calls to DynamoDB within it: see the `tables` crate.
        let handled = Box::pin(async { handle(state, request, now).await });
        let handled = AssertUnwindSafe(handled).catch_unwind();
        let mut response = match tokio::time::timeout(within, handled).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(error))) => response::failure(&error),
            Ok(Err(_)) => response::failure(&Error::internal("the handler panicked")),
            Err(_) => {
                response::failure(&Error::Unavailable("the request took too long".to_owned()))
            }
        };
        if is_head {
            // The length that GET would answer (RFC 9110 section 8.6).
            let length = HeaderValue::from(response.body().len());
            response.headers_mut().insert(CONTENT_LENGTH, length);
            *response.body_mut() = Body::Empty;
        }
        response
    })
    .await
}

/// Starts a process: settings, logs, state, then `serve` on one thread, since Lambda delivers one
/// event at a time.
fn serve<S: 'static>(
    assemble: impl AsyncFnOnce(Settings) -> Result<S, InitError>,
    serve: impl AsyncFnOnce(&'static S) -> Result<(), lambda_runtime::Error> + 'static,
) -> Result<(), InitError> {
    let settings = Settings::from_env()?;
    telemetry::start(&settings.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(|error| InitError::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let state = assemble(settings).await?;
        // The execution environment is the lifetime: there is nothing to free before it ends.
        let state: &'static S = Box::leak(Box::new(state));
        // As a task, because waking a task needs no system call, and waking this future does.
        match tokio::task::spawn_local(async move { serve(state).await }).await {
            Ok(served) => served.map_err(|error| InitError::new(error.to_string())),
            Err(_) => Err(InitError::new("the runtime panicked")),
        }
    })
}

/// What the start of a process provides: the app, and the configuration for further AWS clients.
#[derive(Debug)]
pub struct Start {
    /// The app, whose DynamoDB client is connected.
    pub app: App,
    /// The configuration of that client.
    pub aws: SdkConfig,
}

async fn start(settings: Settings, waits: Waits) -> Result<Start, InitError> {
    let region = aws::region().await.ok_or_else(|| InitError::new("AWS_REGION is not set"))?;
    let roots = if settings.has_private_ca { Roots::Native } else { Roots::Amazon };
    let aws = aws::config(roots, waits, region, aws::credentials());
    let endpoint_url = settings.endpoint_url.clone();
    let client = tables::client::client(&aws, endpoint_url, CountCalls::DynamoDb);
    tables::client::prime(&client, &settings.tables.sessions).await;
    Ok(Start { app: App::new(settings, client), aws })
}

/// The one clock of the functions. Everything below takes the moment as an argument.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn clock() -> Timestamp {
    Timestamp::now()
}
