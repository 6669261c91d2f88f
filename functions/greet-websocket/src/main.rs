//! `greet-websocket` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_invocation(greet_websocket::start, greet_websocket::handle)
}
