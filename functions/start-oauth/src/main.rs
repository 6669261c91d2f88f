//! `start-oauth` as a Lambda function.

use api::lambda::ANSWER_WITHIN;

fn main() -> Result<(), api::InitError> {
    api::run_with(start_oauth::StartOauth::start, start_oauth::handle, ANSWER_WITHIN)
}
