//! `start-oauth` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(start_oauth::handle)
}
