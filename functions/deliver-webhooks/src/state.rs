//! The state of the function: DynamoDB, KMS, the client for receivers, and the queue.

use api::InitError;
use api::lambda::Start;
use connect::Connect;
use queue::Queue;

/// The state. It lives as long as the execution environment.
#[derive(Debug)]
pub struct Deliver {
    /// The events, the keys that sign them, and the client for receivers.
    pub connect: &'static Connect,
    /// The queue of webhooks that are due.
    pub queue: Queue,
}

impl Deliver {
    /// Adds a client for SQS to what the start of the process provides.
    pub fn start(start: Start) -> Result<Self, InitError> {
        let settings = &start.app.settings;
        let sqs = queue::client(&start.aws, settings.sqs_endpoint_url.clone());
        let queue = Queue::new(sqs, settings.webhooks_queue_url.clone());
        // Leaked, since it lives until the process ends, like the state itself.
        let connect = Box::leak(Box::new(Connect::start(start)?));
        Ok(Self { connect, queue })
    }
}
