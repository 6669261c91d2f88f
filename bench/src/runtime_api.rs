//! A stand-in for the Lambda Runtime API: it delivers events and receives the answers.

use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::http::Message;

/// How long a message is waited for. Under valgrind, programs run fifty times slower, Node more.
const PATIENCE: Duration = Duration::from_secs(150);

/// A request of a function to the Runtime API.
enum Told {
    /// It asks for an event.
    Ready(Instant),
    /// It answers the last one.
    Answer(Instant, String),
    /// It cannot start, or could not handle the event.
    Failure(String),
}

/// The Runtime API of one function.
pub struct RuntimeApi {
    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub address: SocketAddr,
    events: Sender<String>,
    told: Receiver<Told>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (events, waiting) = channel();
        let (tell, told) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (waiting, tell) = (Arc::clone(&waiting), tell.clone());
                thread::spawn(move || serve(&stream, &waiting, &tell));
            }
        });
        Ok(Self { address, events, told })
    }

    /// Waits until the function asks for an event, and returns the time of that.
    pub fn ready(&self) -> Result<Instant, Failure> {
        match self.next()? {
            Told::Ready(at) => Ok(at),
            Told::Answer(_, answer) => Err(format!("an answer to nothing: {answer}").into()),
            Told::Failure(text) => Err(text.into()),
        }
    }

    /// Delivers an event to a function that is ready, and waits until it is ready again. Returns
    /// the answer and the time that it took.
    pub fn invoke(&self, event: &str) -> Result<(String, Duration), Failure> {
        let start = Instant::now();
        self.events.send(event.to_owned()).map_err(|_| "the Runtime API is gone")?;
        match self.next()? {
            Told::Answer(at, answer) => {
                self.ready()?;
                Ok((answer, at - start))
            }
            Told::Ready(_) => Err("an event was not answered".into()),
            Told::Failure(text) => Err(text.into()),
        }
    }

    fn next(&self) -> Result<Told, Failure> {
        self.told.recv_timeout(PATIENCE).map_err(|problem| match problem {
            RecvTimeoutError::Timeout => "the function is silent".into(),
            RecvTimeoutError::Disconnected => "the Runtime API is gone".into(),
        })
    }
}

/// Serves one connection until either end is gone.
fn serve(stream: &TcpStream, waiting: &Mutex<Receiver<String>>, tell: &Sender<Told>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    let mut served = 0;
    while let Ok(Some(request)) = Message::read(&mut reader) {
        let answer = if request.first_line.contains("/invocation/next") {
            if tell.send(Told::Ready(Instant::now())).is_err() {
                return;
            }
            let Ok(event) = waiting.lock().map_err(|_| ()).and_then(|w| w.recv().map_err(|_| ()))
            else {
                return;
            };
            served += 1;
            Message::ok(event)
                .with("lambda-runtime-aws-request-id", &format!("{served:08}-bench"))
                .with("lambda-runtime-deadline-ms", "4102444800000")
                .with(
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:0:function:b",
                )
                .with("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        } else {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let is_answer = request.first_line.contains("/response");
            let told = if is_answer {
                Told::Answer(Instant::now(), body)
            } else {
                Told::Failure(format!("{}: {body}", request.first_line))
            };
            if tell.send(told).is_err() {
                return;
            }
            Message { first_line: "HTTP/1.1 202 Accepted".to_owned(), ..Message::ok("") }
        };
        if answer.write(&mut &*stream).is_err() {
            return;
        }
    }
}
