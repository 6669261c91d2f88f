//! `create-session` as a Lambda function.

fn main() -> Result<(), shared::InitError> {
    shared::run(create_session::handle)
}
