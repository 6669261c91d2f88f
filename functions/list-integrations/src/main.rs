//! `list-integrations` as a Lambda function.

use api::lambda::ANSWER_WITHIN;

fn main() -> Result<(), api::InitError> {
    api::run_with(connect::Connect::start, list_integrations::handle, ANSWER_WITHIN)
}
