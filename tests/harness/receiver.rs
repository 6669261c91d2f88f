//! A receiver of webhooks whose answers a test chooses, and which remembers what it received.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, Response};
use futures_util::stream;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// An answer of the receiver.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This status.
    Status(u16),
    /// This status with a header.
    With(u16, &'static str, String),
    /// No answer, ever.
    Hang,
    /// 200 with a body of 20 MB, so slowly that nobody waits for its end.
    Drip,
    /// 200 with a body of 20 MB, as fast as possible.
    Flood,
    /// The connection is closed without an answer.
    Cut,
}

/// A received webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Webhook {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The id of its event.
    pub fn id(&self) -> &str {
        self.header("webhook-id").expect("an id")
    }
}

/// Is called with each webhook before it is answered.
pub type OnArrival = Arc<dyn Fn(&Webhook) + Send + Sync>;

/// A receiver on a free port.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    received: Arc<Mutex<Vec<Webhook>>>,
}

impl Receiver {
    /// A receiver that gives this answer until another is set.
    pub async fn start(answer: Answer) -> Self {
        Self::with(answer, Arc::new(|_| {})).await
    }

    /// A receiver whose webhooks `watch` sees.
    pub async fn with(answer: Answer, on_arrival: OnArrival) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let receiver =
            Self { address, answer: Arc::new(Mutex::new(answer)), received: Arc::default() };
        let server = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, on_arrival) = (server.clone(), Arc::clone(&on_arrival));
                let service = service_fn(move |request| {
                    let (server, on_arrival) = (server.clone(), Arc::clone(&on_arrival));
                    async move { server.receive(request, on_arrival.as_ref()).await }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        receiver
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/hooks/secret", self.address)
    }

    /// Sets the answer from now on.
    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().expect("no panic") = answer;
    }

    /// The webhooks since the last call of this function.
    pub fn take(&self) -> Vec<Webhook> {
        std::mem::take(&mut self.received.lock().expect("no panic"))
    }

    async fn receive(
        &self,
        request: Request<hyper::body::Incoming>,
        on_arrival: &(dyn Fn(&Webhook) + Send + Sync),
    ) -> Result<Response<Body>, &'static str> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await.unwrap_or_default();
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        let webhook = Webhook { headers: parts.headers, body };
        on_arrival(&webhook);
        self.received.lock().expect("no panic").push(webhook);
        let answer = self.answer.lock().expect("no panic").clone();
        let response = |status: u16| Response::builder().status(status);
        let built = match answer {
            Answer::Status(status) => response(status).body(Body::empty()),
            Answer::With(status, name, value) => {
                response(status).header(name, value).body(Body::empty())
            }
            Answer::Hang => return std::future::pending().await,
            Answer::Drip => response(200).body(chunks(Duration::from_millis(50))),
            Answer::Flood => response(200).body(chunks(Duration::ZERO)),
            Answer::Cut => return Err("the connection is cut"),
        };
        Ok(built.expect("a response"))
    }
}

/// 20 MB.
fn chunks(pause: Duration) -> Body {
    const LENGTH: usize = 20_000;
    Body::from_stream(stream::unfold(0, move |sent| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        (sent < 1_000).then(|| (Ok::<_, Infallible>(Bytes::from(vec![b'x'; LENGTH])), sent + 1))
    }))
}
