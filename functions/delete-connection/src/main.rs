//! `delete-connection` as a Lambda function.

use api::lambda::ANSWER_WITHIN_CALLING_PROVIDERS;

fn main() -> Result<(), api::InitError> {
    api::run_with(
        connect::Connect::start,
        delete_connection::handle,
        ANSWER_WITHIN_CALLING_PROVIDERS,
    )
}
