//! `list-connections` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(list_connections::handle)
}
