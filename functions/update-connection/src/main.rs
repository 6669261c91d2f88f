//! `update-connection` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(update_connection::handle)
}
