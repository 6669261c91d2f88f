//! `get-session` as a Lambda function.

fn main() -> Result<(), shared::InitError> {
    shared::run(get_session::handle)
}
