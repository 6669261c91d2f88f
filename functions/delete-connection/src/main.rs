//! `delete-connection` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(delete_connection::handle)
}
