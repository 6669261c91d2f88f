//! `queue-webhooks` as a Lambda function.

fn main() -> Result<(), api::InitError> {
    api::run_invocation(queue_webhooks::start, queue_webhooks::handle)
}
