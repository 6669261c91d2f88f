//! The whole service on one machine: the handlers that Lambda runs, behind a server that behaves as
//! API Gateway does, on an embedded DynamoDB engine.
//!
//! - [`gateway`]: turns HTTP requests into events, and the functions' answers into responses.
//! - [`upgrade`]: requests to open a WebSocket.
//! - [`websockets`]: the open sockets, and the endpoint that posts to them.
//! - [`routes`]: which function a request is for.
//! - [`event`]: a request as the event that API Gateway makes of it.
//! - [`dynamodb`]: the engine, the tables of `template.yaml`, and their TTL.
//! - [`kms`]: the two operations of KMS that the service calls.
//! - [`webhooks`]: the event source mappings, from the stream of events to the queue and from there
//!   to `deliver-webhooks`.
//! - [`sqs`]: the queue, and the two operations of SQS that the service calls.
//! - [`inbox`]: a receiver of webhooks, and a page that shows them.
//! - [`schedule`]: the function that is invoked regularly.
//! - [`server`]: how servers start and end.
//! - [`demo`]: the environment that is provisioned when none is given.
//! - [`providers`]: the demo providers.
//! - [`banner`]: what a start prints.
//! - [`log`]: what the process prints while it runs.

pub mod banner;
pub mod demo;
pub mod dynamodb;
pub mod event;
pub mod gateway;
pub mod inbox;
pub mod kms;
pub mod log;
pub mod providers;
pub mod routes;
pub mod schedule;
pub mod server;
pub mod sqs;
pub mod upgrade;
pub mod webhooks;
pub mod websockets;

use ::connect::Connect;
use api::settings::Settings;
use api::{App, InitError};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use deliver_webhooks::Deliver;
use queue::Queue;
use sockets::Sockets;
use vault::Vault;

/// What the handlers of all routes need besides the request.
#[derive(Debug)]
pub struct State {
    /// Settings, DynamoDB, KMS and the client for providers.
    pub connect: Connect,
    /// The sockets that wait for the outcome of a flow.
    pub sockets: Sockets,
}

/// The state of the functions that answer HTTP requests. It lives as long as the process, as in a
/// Lambda execution environment.
pub fn state(
    settings: Settings,
    client: Client,
    kms: &kms::Kms,
) -> Result<&'static State, InitError> {
    let url = format!("http://{}", kms.address);
    let credentials = Credentials::new("local", "local", None, None, "local");
    let kms_client = kms::client(&url, "us-east-1".to_owned(), credentials);
    let vault = Vault::new(kms_client, settings.kms_key_id.clone());
    let outbound = ::connect::connect::outbound(&settings)?;
    let sockets = websockets::sockets(settings.websocket_api_url.clone());
    let app = App::new(settings, client);
    Ok(Box::leak(Box::new(State { connect: Connect { app, vault, outbound }, sockets })))
}

/// The state of the functions that deliver webhooks.
pub fn deliver(connect: &'static Connect, sqs: &sqs::Sqs) -> &'static Deliver {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let client = sqs::client(&sqs.url(), "us-east-1".to_owned(), credentials);
    Box::leak(Box::new(Deliver { connect, queue: Queue::new(client, sqs.queue_url()) }))
}
