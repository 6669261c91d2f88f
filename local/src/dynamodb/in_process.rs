//! The transport from the SDK's client to an engine in the same process: a channel to the engine's
//! thread instead of a connection.
//!
//! The requests are those of the SDK, as on Lambda, but unsigned. `cargo run` would otherwise spend
//! a third of its time on its own sockets and signatures.

use std::sync::mpsc::{self, Sender};
use std::thread;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynoxide::actions::transact_write_items::{
    TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

/// A call of the engine.
type Job = Box<dyn FnOnce(&Database) + Send>;

/// Answers requests in DynamoDB's JSON protocol: the operation in `x-amz-target`, a JSON body.
#[derive(Debug, Clone)]
pub struct InProcess {
    jobs: Sender<Job>,
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.clone();
        HttpConnectorFuture::new(async move { engine.answer(&request).await })
    }
}

impl InProcess {
    /// Starts the engine's thread, which ends with the last client. The engine does one thing at a
    /// time: if it had no thread of its own, those that serve requests would block on it.
    pub fn new(database: Database) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::spawn(move || queue.into_iter().for_each(|job| job(&database)));
        Self { jobs }
    }

    async fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let problem = |problem: &str| ConnectorError::user(problem.into());
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (_, operation) = target.split_once('.').ok_or_else(|| problem("no operation"))?;
        let body = request.body().bytes().ok_or_else(|| problem("a body that is a stream"))?;
        let (status, json) = match self.perform(operation, body).await {
            Ok(json) => (200, json),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let status = status.try_into().map_err(|_| problem("no HTTP status"))?;
        Ok(HttpResponse::new(status, SdkBody::from(json)))
    }

    /// The operations that this process calls.
    async fn perform(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        match operation {
            "BatchGetItem" => self.call_with(body, Database::batch_get_item).await,
            "BatchWriteItem" => self.call_with(body, Database::batch_write_item).await,
            "CreateTable" => self.call_with(body, Database::create_table).await,
            "DeleteItem" => self.call_with(body, Database::delete_item).await,
            "GetItem" => self.call_with(body, Database::get_item).await,
            "PutItem" => self.call_with(body, Database::put_item).await,
            "Query" => self.call_with(body, Database::query).await,
            "TransactWriteItems" => self.call_with(body, transact_write_items).await,
            "UpdateItem" => self.call_with(body, Database::update_item).await,
            "UpdateTimeToLive" => self.call_with(body, Database::update_time_to_live).await,
            _ => Err(DynoxideError::ValidationException(format!("{operation} is not called here"))),
        }
    }

    /// Reads a request, has it performed, and writes the answer.
    async fn call_with<Request, Answer>(
        &self,
        body: &[u8],
        perform: fn(&Database, Request) -> Result<Answer, DynoxideError>,
    ) -> Result<String, DynoxideError>
    where
        Request: DeserializeOwned + Send + 'static,
        Answer: Serialize + Send + 'static,
    {
        let request = serde_json::from_slice(body)
            .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
        let (done, answer) = oneshot::channel();
        // The receiver is gone if the caller no longer waits.
        let job = Box::new(move |database: &Database| drop(done.send(perform(database, request))));
        let ended = || DynoxideError::InternalServerError("the engine has stopped".to_owned());
        self.jobs.send(job).map_err(|_| ended())?;
        let answer = answer.await.map_err(|_| ended())??;
        serde_json::to_string(&answer)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
}

/// A transaction without its `ClientRequestToken`, by which DynamoDB recognises a transaction that
/// is sent again because its answer was lost. Here no answer is lost. This engine would check all
/// tokens of the last ten minutes at each transaction, which takes longer than the transaction
/// itself once there are ten thousand.
fn transact_write_items(
    database: &Database,
    request: TransactWriteItemsRequest,
) -> Result<TransactWriteItemsResponse, DynoxideError> {
    database
        .transact_write_items(TransactWriteItemsRequest { client_request_token: None, ..request })
}
