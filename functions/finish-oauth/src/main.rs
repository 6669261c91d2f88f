//! `finish-oauth` as a Lambda function.

use api::lambda::ANSWER_WITHIN_CALLING_PROVIDERS;
use finish_oauth::{FinishOauth, handle};

fn main() -> Result<(), api::InitError> {
    let handle = |state: &'static FinishOauth, request, now| {
        handle(&state.connect, &state.sockets, request, now)
    };
    api::run_with(FinishOauth::new, handle, ANSWER_WITHIN_CALLING_PROVIDERS)
}
