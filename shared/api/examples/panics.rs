//! A function whose handler always panics, with the request in its words. `.ci/bootstraps` runs it
//! to see that clients are answered, that the environment lives on, and that no log quotes it.

#![expect(clippy::panic, reason = "that is what it is for")]

use api::{App, Error, Request, Response, Timestamp};

async fn handle(_: &App, request: Request, _: Timestamp) -> Result<Response, Error> {
    panic!("{:?}", request.headers())
}

fn main() -> Result<(), api::InitError> {
    api::run(handle)
}
