//! `get-connection` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_with(connect::Connect::start, get_connection::handle)
}
