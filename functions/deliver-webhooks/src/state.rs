//! What sending webhooks needs: DynamoDB, KMS, the outside, and the queue for what comes later.

use api::InitError;
use api::lambda::Start;
use connect::Connect;
use queue::Queue;

/// One lives as long as its execution environment.
#[derive(Debug)]
pub struct Deliver {
    /// The events and the keys that sign them, and the client that reaches receivers.
    pub connect: &'static Connect,
    /// Webhooks that are due later.
    pub queue: Queue,
}

impl Deliver {
    /// What a start has made, and a client of SQS.
    pub fn start(start: Start) -> Result<Self, InitError> {
        let settings = &start.app.settings;
        let sqs = queue::client(&start.aws, settings.sqs_endpoint_url.clone());
        let queue = Queue::new(sqs, settings.webhooks_queue_url.clone());
        // As the state itself, it is there until the process ends.
        let connect = Box::leak(Box::new(Connect::start(start)?));
        Ok(Self { connect, queue })
    }
}
