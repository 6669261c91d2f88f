//! `list-integrations` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_with(connect::Connect::start, list_integrations::handle)
}
