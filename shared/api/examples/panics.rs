//! A function whose handler always panics, with the request in its message. `.ci/bootstraps` runs
//! it to check that clients get an answer, that the execution environment survives, and that no log
//! quotes the message.

#![expect(clippy::panic, reason = "that is what it is for")]

use api::{App, Error, Request, Response, Timestamp};

async fn handle(_: &App, request: Request, _: Timestamp) -> Result<Response, Error> {
    panic!("{:?}", request.headers())
}

fn main() -> Result<(), api::InitError> {
    api::run(handle)
}
