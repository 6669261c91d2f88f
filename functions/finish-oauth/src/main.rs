//! `finish-oauth` as a Lambda function.

use api::lambda::ANSWER_WITHIN_CALLING_PROVIDERS;

fn main() -> Result<(), api::InitError> {
    api::run_with(finish_oauth::start, finish_oauth::handle, ANSWER_WITHIN_CALLING_PROVIDERS)
}
