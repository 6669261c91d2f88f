//! `reconnect-session` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(reconnect_session::handle)
}
