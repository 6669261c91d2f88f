//! `deliver-webhooks` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_invocation(deliver_webhooks::Deliver::start, deliver_webhooks::handle)
}
