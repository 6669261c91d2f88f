//! `refresh-connections` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_invocation(connect::Connect::start, refresh_connections::handle)
}
