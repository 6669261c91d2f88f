//! `import-connection` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_with(connect::Connect::start, import_connection::handle)
}
