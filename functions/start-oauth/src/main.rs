//! `start-oauth` as a Lambda function.

use api::lambda::ANSWER_WITHIN;

fn main() -> Result<(), api::InitError> {
    api::run_with(start_oauth::State::start, start_oauth::handle, ANSWER_WITHIN)
}
