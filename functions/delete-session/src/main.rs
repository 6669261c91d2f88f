//! `delete-session` as a Lambda function.

fn main() -> Result<(), shared::InitError> {
    shared::run(delete_session::handle)
}
