//! `start-oauth` as a Lambda function.

use api::lambda::ANSWER_WITHIN;
use start_oauth::{StartOauth, handle};

fn main() -> Result<(), api::InitError> {
    let handle =
        |state: &'static StartOauth, request, now| handle(&state.app, &state.sockets, request, now);
    api::run_with(StartOauth::new, handle, ANSWER_WITHIN)
}
