//! The wire between the service and DynamoDB or KMS: a proxy. It counts calls and injects the
//! faults that a test asks for, with AWS's errors or with no answer. It can also hold each call
//! until the test releases it, so that a test controls the order in which things happen.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// A fault of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The service throttles.
    Throttled,
    /// The service fails.
    Failed,
    /// The service refuses the request: DynamoDB as invalid, KMS as not allowed.
    Refused,
    /// The connection breaks within the answer.
    Broken,
    /// The call goes through, but its answer is lost.
    AnswerLost,
    /// No answer comes.
    Silent,
    /// The call goes through, but only the first half of its answer arrives, as if it were whole.
    Halved,
    /// An answer of status 200 with this body.
    Answer(&'static str),
}

/// The name under which a request without an operation is counted: the one that only connects.
pub const PING: &str = "ping";

/// A proxy in front of an engine, or of a KMS endpoint.
#[derive(Debug, Clone)]
pub struct Wire {
    /// The address at which the service reaches the engine.
    pub address: SocketAddr,
    state: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    calls: Vec<String>,
    faults: VecDeque<Fault>,
    /// An operation, how many of its calls pass first, and the faults of those that follow.
    later: Option<(&'static str, usize, Vec<Fault>)>,
    /// Where calls wait.
    gate: Option<mpsc::UnboundedSender<Held>>,
}

impl Shared {
    fn next_fault(&mut self, operation: &str) -> Option<Fault> {
        match &mut self.later {
            Some((name, 0, faults)) if name == &operation => {
                self.faults = std::mem::take(faults).into();
                self.later = None;
                self.faults.pop_front()
            }
            Some((name, passing, _)) if name == &operation => {
                *passing -= 1;
                None
            }
            _ => self.faults.pop_front(),
        }
    }
}

/// A call that waits on the wire.
#[derive(Debug)]
pub struct Held {
    /// The operation.
    pub operation: String,
    pass: oneshot::Sender<()>,
    answered: oneshot::Receiver<()>,
}

impl Held {
    /// Lets the call pass, and waits until the engine has answered it.
    pub async fn release(self) {
        // Whoever made the call may have given it up.
        let _ = self.pass.send(());
        let _ = self.answered.await;
    }
}

impl Wire {
    /// A wire to the engine at `engine`.
    pub async fn to(engine: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::default();
        let forward = Forward { engine, client: reqwest::Client::new(), state: Arc::clone(&state) };
        let service = Router::new().fallback(pass).with_state(forward);
        tokio::spawn(async { axum::serve(listener, service).await });
        Self { address, state }
    }

    /// The operations since the last call of this function.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("no panic").calls)
    }

    /// Breaks the next calls, one fault each.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().expect("no panic").faults = faults.into_iter().collect();
    }

    /// Lets `passing` calls of an operation pass, and breaks the calls after them, one fault each.
    pub fn fail_after(
        &self,
        operation: &'static str,
        passing: usize,
        faults: impl IntoIterator<Item = Fault>,
    ) {
        let faults = faults.into_iter().collect();
        self.state.lock().expect("no panic").later = Some((operation, passing, faults));
    }

    /// Holds every call from now on, and sends it to the receiver that is returned. When the
    /// receiver is dropped, calls pass again.
    pub fn hold(&self) -> mpsc::UnboundedReceiver<Held> {
        let (gate, held) = mpsc::unbounded_channel();
        self.state.lock().expect("no panic").gate = Some(gate);
        held
    }
}

#[derive(Clone)]
struct Forward {
    engine: SocketAddr,
    client: reqwest::Client,
    state: Arc<Mutex<Shared>>,
}

/// In a task of its own, because a call that its caller has given up still arrives.
async fn pass(State(forward): State<Forward>, request: Request) -> Response<Body> {
    tokio::spawn(pass_on(forward, request)).await.unwrap_or_else(|_| broken())
}

async fn pass_on(forward: Forward, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a whole body");
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let is_signed = parts.headers.contains_key("authorization");
    let no_operation = if is_signed { "signed ping" } else { PING };
    let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or(no_operation);
    let is_kms = target.is_some_and(|target| target.starts_with("TrentService."));
    let (fault, gate) = {
        let mut state = forward.state.lock().expect("no panic");
        state.calls.push(operation.to_owned());
        (state.next_fault(operation), state.gate.clone())
    };
    // Dropped when this call is answered.
    let _answered = match gate {
        Some(gate) => Some(wait(&gate, operation).await),
        None => None,
    };
    match fault {
        None | Some(Fault::AnswerLost | Fault::Halved) => {
            let url = format!("http://{}{}", forward.engine, parts.uri);
            let sent = forward.client.request(parts.method, url).headers(parts.headers).body(body);
            let answer = sent.send().await.expect("the engine answers");
            if fault == Some(Fault::AnswerLost) {
                return broken();
            }
            let mut response = Response::new(Body::empty());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            let mut body = answer.bytes().await.expect("a whole body");
            if fault == Some(Fault::Halved) {
                body.truncate(body.len() / 2);
                // They tell of the whole.
                response.headers_mut().remove("content-length");
                response.headers_mut().remove("x-amz-crc32");
            }
            *response.body_mut() = Body::from(body);
            response
        }
        Some(Fault::Throttled) if is_kms => refuse(400, "ThrottlingException"),
        Some(Fault::Failed) if is_kms => refuse(500, "KMSInternalException"),
        Some(Fault::Refused) if is_kms => refuse(400, "AccessDeniedException"),
        Some(Fault::Throttled) => refuse(400, &dynamodb("ProvisionedThroughputExceededException")),
        Some(Fault::Failed) => refuse(500, &dynamodb("InternalServerError")),
        Some(Fault::Refused) => refuse(400, &dynamodb("ValidationException")),
        Some(Fault::Broken) => broken(),
        Some(Fault::Silent) => std::future::pending().await,
        Some(Fault::Answer(body)) => Response::new(Body::from(body)),
    }
}

/// Waits until the test releases a call.
async fn wait(gate: &mpsc::UnboundedSender<Held>, operation: &str) -> oneshot::Sender<()> {
    let (pass, passes) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    let held = Held { operation: operation.to_owned(), pass, answered };
    if gate.send(held).is_ok() {
        let _ = passes.await;
    }
    answer
}

/// The start of an answer, and then the end of the connection.
fn broken() -> Response<Body> {
    let start = Bytes::from_static(b"{\"It");
    let end = std::io::Error::other("the wire broke");
    Response::new(Body::from_stream(futures_util::stream::iter([Ok(start), Err(end)])))
}

/// The name of an error; DynamoDB's has a prefix, KMS's has none.
fn dynamodb(code: &str) -> String {
    format!("com.amazonaws.dynamodb.v20120810#{code}")
}

fn refuse(status: u16, code: &str) -> Response<Body> {
    let body = format!(r#"{{"__type":"{code}","message":"internal detail 4711"}}"#);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.0".parse().expect("a value"));
    response
}
