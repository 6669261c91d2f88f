//! `connect-ui` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_alone(connect_ui::handle)
}
