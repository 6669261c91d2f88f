//! `delete-session` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(delete_session::handle)
}
