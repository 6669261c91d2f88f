//! `reconnect-session` as a Lambda function.

fn main() -> Result<(), shared::InitError> {
    shared::run(reconnect_session::handle)
}
