//! `connect-ui` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run(connect_ui::handle)
}
