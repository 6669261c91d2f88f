//! `create-session` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(create_session::handle)
}
