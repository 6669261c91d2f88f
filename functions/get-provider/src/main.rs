//! `get-provider` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(get_provider::handle)
}
