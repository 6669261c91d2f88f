//! `start-oauth` as a Lambda function.

use api::lambda::ANSWER_WITHIN;
use start_oauth::StartOauth;

fn main() -> Result<(), api::InitError> {
    api::run_with(
        StartOauth::new,
        |state, request, now| start_oauth::handle(&state.app, &state.sockets, request, now),
        ANSWER_WITHIN,
    )
}
