//! `delete-connection` as a Lambda function.

use api::lambda::ANSWER_WITHIN;

fn main() -> Result<(), api::InitError> {
    api::run_with(connect::Connect::start, delete_connection::handle, ANSWER_WITHIN)
}
