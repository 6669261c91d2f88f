//! The seam: Lambda hands over an event, a handler runs, an answer goes back.

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aws::{Roots, Waits};
use futures_util::FutureExt;
use jiff::Timestamp;
use lambda_http::http::Method;
use lambda_http::{Adapter, Body, Context, LambdaEvent, RequestExt, Service, service_fn};
use lambda_runtime::{Diagnostic, Runtime};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use session::Error;
use tokio::runtime::LocalOptions;

use crate::app::App;
use crate::event;
use crate::request::Request;
use crate::response::{self, Response};
use crate::settings::{InitError, Settings};
use crate::telemetry::{self, CountCalls};

/// A request is answered before Lambda would end it: the functions' timeout is 10 seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// Runs the Lambda function of an endpoint.
pub fn run<H, F>(handle: H) -> Result<(), InitError>
where
    H: Fn(&'static App, Request, Timestamp) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Response, Error>> + Send + 'static,
{
    serve(Waits::REQUEST, async move |app: &'static App| {
        let answer = move |event: LambdaEvent<Box<RawValue>>| {
            let LambdaEvent { payload, context } = event;
            // On the heap, since the runtime moves it around: see the `tables` crate.
            Box::pin(async move { answer(app, handle, payload.get(), context, clock()).await })
        };
        Runtime::new(service_fn(answer)).run().await
    })
}

/// Runs a Lambda function that is invoked directly, with any JSON. It is also told how much time
/// the invocation has.
pub fn run_invocation<H, F>(handle: H) -> Result<(), InitError>
where
    H: Fn(&'static App, Value, Timestamp, Duration) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Value, InvocationFailure>> + Send + 'static,
{
    serve(Waits::PROVISION, async move |app: &'static App| {
        let answer = move |event: LambdaEvent<Value>| async move {
            let LambdaEvent { payload, context } = event;
            let now = clock();
            let ends_at_ms = i64::try_from(context.deadline).unwrap_or(i64::MAX);
            let time = u64::try_from(ends_at_ms - now.as_millisecond()).unwrap_or_default();
            let handled = handle(app, payload, now, Duration::from_millis(time));
            telemetry::identify(context.request_id, handled).await
        };
        Runtime::new(service_fn(answer)).run().await
    })
}

/// What makes an invocation fail. All of it is for the caller, and only the code for the log: the
/// Lambda runtime writes the `Debug` of every failure there, and the body may hold new secrets.
pub struct InvocationFailure {
    /// What kind of failure.
    pub code: &'static str,
    /// All that is known of it, as JSON.
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

/// Answers one API Gateway event. It fails only where the input is no such event, and the error
/// does not quote the input.
pub async fn answer<'a, H, F>(
    app: &'a App,
    handle: H,
    event: &str,
    context: Context,
    now: Timestamp,
) -> Result<impl Serialize + use<H, F>, &'static str>
where
    H: Fn(&'a App, Request, Timestamp) -> F + Send + Sync + 'a,
    F: Future<Output = Result<Response, Error>> + Send + 'a,
{
    let event = event::read(event).ok_or("not an API Gateway event of payload format 2.0")?;
    let event = LambdaEvent::new(event, context);
    let handle = &handle;
    let respond = service_fn(move |request: Request| async move {
        Ok::<_, Infallible>(respond(app, handle, request, now).await)
    });
    let Ok(answer) = Adapter::from(respond).call(event).await;
    Ok(answer)
}

/// Runs the handler. Whatever becomes of it, there is an answer and one line in the log.
async fn respond<'a, H, F>(app: &'a App, handle: &H, request: Request, now: Timestamp) -> Response
where
    H: Fn(&'a App, Request, Timestamp) -> F,
    F: Future<Output = Result<Response, Error>> + Send + 'a,
{
    let is_head = request.method() == Method::HEAD;
    let route = route_key(&request);
    let request_id = request.lambda_context_ref().map(|context| context.request_id.clone());
    let namespace = &app.settings.metrics_namespace;
    let status = |response: &Response| response.status().as_u16();
    telemetry::summarise(&route, request_id.unwrap_or_default(), namespace, now, status, async {
        // On the heap, like the calls to DynamoDB within it: see the `tables` crate.
        let handled = Box::pin(async { handle(app, request, now).await });
        let handled = AssertUnwindSafe(handled).catch_unwind();
        let mut response = match tokio::time::timeout(ANSWER_WITHIN, handled).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(error))) => response::failure(&error),
            Ok(Err(_)) => response::failure(&Error::internal("the handler panicked")),
            Err(_) => {
                response::failure(&Error::Unavailable("the request took too long".to_owned()))
            }
        };
        if is_head {
            *response.body_mut() = Body::Empty;
        }
        response
    })
    .await
}

/// The route that API Gateway chose, for example `POST /connect/sessions`.
fn route_key(request: &Request) -> String {
    use lambda_http::request::RequestContext;
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.route_key.clone().unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Starts a process: settings, logs, the DynamoDB client, then `serve` on one thread, since Lambda
/// hands over one event at a time.
fn serve<F>(waits: Waits, serve: impl FnOnce(&'static App) -> F) -> Result<(), InitError>
where
    F: Future<Output = Result<(), lambda_runtime::Error>> + 'static,
{
    let settings = Settings::from_env()?;
    telemetry::start(&settings.log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(|error| InitError::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let app = App::new(settings.clone(), dynamodb(&settings, waits).await?);
        // The execution environment is the lifetime: there is nothing to free before it ends.
        let app: &'static App = Box::leak(Box::new(app));
        // As a task: what wakes it then needs no system call, as it would to wake this future.
        match tokio::task::spawn_local(serve(app)).await {
            Ok(served) => served.map_err(|error| InitError::new(error.to_string())),
            Err(_) => Err(InitError::new("the runtime panicked")),
        }
    })
}

/// The DynamoDB client of a function, already connected.
async fn dynamodb(
    settings: &Settings,
    waits: Waits,
) -> Result<aws_sdk_dynamodb::Client, InitError> {
    let region = aws::region().await.ok_or_else(|| InitError::new("AWS_REGION is not set"))?;
    let roots = if settings.has_private_ca { Roots::Native } else { Roots::Amazon };
    let client = tables::client::client(
        aws::connector(roots, waits),
        waits,
        region,
        aws::credentials(),
        settings.endpoint_url.clone(),
        CountCalls,
    );
    tables::client::prime(&client, &settings.tables.sessions).await;
    Ok(client)
}

/// The one clock of the functions. Everything below takes the moment as an argument.
#[expect(clippy::disallowed_methods, reason = "the seam where time comes in")]
fn clock() -> Timestamp {
    Timestamp::now()
}
