//! `finish-oauth` as a Lambda function.

use api::lambda::ANSWER_WITHIN_CALLING_PROVIDERS;

fn main() -> Result<(), api::InitError> {
    let start = finish_oauth::FinishOauth::start;
    api::run_with(start, finish_oauth::handle, ANSWER_WITHIN_CALLING_PROVIDERS)
}
