//! `provision` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_invocation(connect::Connect::start, provision::handle)
}
