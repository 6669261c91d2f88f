//! The transport from the SDK's client to an engine in the same process: a function call instead of
//! a connection.
//!
//! The client is the same as on Lambda, and so are its requests. Only their transport differs,
//! because `cargo run` would otherwise spend a third of its time on its own sockets.

use std::fmt;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Answers requests in DynamoDB's JSON protocol: the operation in `x-amz-target`, a JSON body.
pub struct InProcess(pub Database);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl InProcess {
    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let problem = |problem: &str| ConnectorError::user(problem.into());
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (_, operation) = target.split_once('.').ok_or_else(|| problem("no operation"))?;
        let body = request.body().bytes().ok_or_else(|| problem("a body that is a stream"))?;
        let (status, json) = match self.perform(operation, body) {
            Ok(json) => (200, json),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let status = status.try_into().map_err(|_| problem("no HTTP status"))?;
        Ok(HttpResponse::new(status, SdkBody::from(json)))
    }

    /// The operations that this process calls.
    fn perform(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        match operation {
            "BatchGetItem" => self.call_with(body, Database::batch_get_item),
            "BatchWriteItem" => self.call_with(body, Database::batch_write_item),
            "CreateTable" => self.call_with(body, Database::create_table),
            "DeleteItem" => self.call_with(body, Database::delete_item),
            "GetItem" => self.call_with(body, Database::get_item),
            "PutItem" => self.call_with(body, Database::put_item),
            "Query" => self.call_with(body, Database::query),
            "TransactWriteItems" => self.call_with(body, transact_write_items),
            "UpdateItem" => self.call_with(body, Database::update_item),
            "UpdateTimeToLive" => self.call_with(body, Database::update_time_to_live),
            _ => Err(DynoxideError::ValidationException(format!("{operation} is not called here"))),
        }
    }

    /// Reads a request, performs it, and writes its answer.
    fn call_with<Request: DeserializeOwned, Answer: Serialize>(
        &self,
        body: &[u8],
        perform: impl FnOnce(&Database, Request) -> Result<Answer, DynoxideError>,
    ) -> Result<String, DynoxideError> {
        let request = serde_json::from_slice(body)
            .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
        serde_json::to_string(&perform(&self.0, request)?)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
}

/// A transaction without its `ClientRequestToken`. DynamoDB uses the token to recognise a
/// transaction that is sent again because its answer was lost, but no answer can be lost here. And
/// the engine searches the tokens of the last ten minutes at each transaction; once there are ten
/// thousand, that takes longer than the transaction.
fn transact_write_items(
    database: &Database,
    request: TransactWriteItemsRequest,
) -> Result<impl Serialize + use<>, DynoxideError> {
    database
        .transact_write_items(TransactWriteItemsRequest { client_request_token: None, ..request })
}
