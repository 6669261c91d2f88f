//! `provision` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_invocation(|start| Ok(start.app), provision::handle)
}
