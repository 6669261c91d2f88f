//! `provision` as a Lambda function.

fn main() -> Result<(), shared::InitError> {
    shared::run_invocation(provision::handle)
}
