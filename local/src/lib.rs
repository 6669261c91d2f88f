//! The whole service on one machine: the handlers that Lambda runs, behind a server that speaks as
//! API Gateway does, on an embedded DynamoDB engine.
//!
//! - [`gateway`]: HTTP in, API Gateway events to the handlers, HTTP out.
//! - [`routes`]: which function a request is for.
//! - [`event`]: a request as the event that API Gateway makes of it.
//! - [`dynamodb`]: the engine, the tables of `template.yaml`, and their TTL.
//! - [`kms`]: the two calls of KMS that the service makes.
//! - [`demo`]: the environment that a first start provisions.

pub mod demo;
pub mod dynamodb;
pub mod event;
pub mod gateway;
pub mod kms;
pub mod routes;
