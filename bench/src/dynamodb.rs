//! A stand-in for the endpoints of DynamoDB and KMS: TLS 1.3 in front of the embedded engine and
//! the local KMS. It counts everything that crosses it. In replay, it repeats their earlier
//! answers.

use std::collections::HashMap;
use std::fs;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::Failure;
use crate::http::Message;

/// The traffic on the wire.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// TCP connections.
    pub connections: usize,
    /// Full TLS handshakes, which resume no session.
    pub full_handshakes: usize,
    /// Unsigned `GET /`.
    pub pings: usize,
    /// Operations, in order.
    pub calls: Vec<String>,
    /// Write units as the engine reports them, without those of replayed answers.
    pub write_units: f64,
    /// Read units, in the same way.
    pub read_units: f64,
    /// The bytes of the longest answer.
    pub answer_bytes_max: usize,
}

/// The endpoint.
pub struct Endpoint {
    /// The endpoint's URL.
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    engine: SocketAddr,
    kms: SocketAddr,
    is_replaying: bool,
    answers: HashMap<(String, Vec<u8>), Message>,
    counts: Counts,
}

impl Endpoint {
    /// Listens on a free port, in front of an engine and KMS. The root of its certificate is
    /// written to `roots.pem` in the folder, after the roots that a function embeds. So a function
    /// that trusts this file reads one root more than on AWS.
    pub fn start(engine: SocketAddr, kms: SocketAddr, folder: &Path) -> Result<Self, Failure> {
        let (tls, root) = tls(folder)?;
        let amazon_roots = include_str!("../../shared/aws/src/amazon_roots.pem");
        fs::write(folder.join("roots.pem"), format!("{amazon_roots}{root}"))?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let (answers, counts) = (HashMap::new(), Counts::default());
        let state = State { engine, kms, is_replaying: false, answers, counts };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, state) = (Arc::clone(&tls), Arc::clone(&shared));
                // The client notices a broken connection.
                thread::spawn(move || serve(stream, tls, &state));
            }
        });
        Ok(Self { url, state })
    }

    /// The traffic since the last call of this function.
    pub fn counts(&self) -> Counts {
        std::mem::take(&mut lock(&self.state).counts)
    }

    /// Sets whether to answer a repeated request with its earlier answer.
    pub fn replay(&self, is_replaying: bool) {
        lock(&self.state).is_replaying = is_replaying;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(
    mut stream: TcpStream,
    tls: Arc<ServerConfig>,
    state: &Mutex<State>,
) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    lock(state).counts.connections += 1;
    let mut connection = ServerConnection::new(tls)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    if connection.handshake_kind() != Some(HandshakeKind::Resumed) {
        lock(state).counts.full_handshakes += 1;
    }
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    // Both services have the same address here, so a client uses one connection for both.
    let mut behind = [None, None];
    while let Some(request) = Message::read(&mut stream)? {
        answer(&request, state, &mut behind)?.write(stream.get_mut())?;
    }
    Ok(())
}

fn answer(
    request: &Message,
    state: &Mutex<State>,
    behind: &mut [Option<BufReader<TcpStream>>; 2],
) -> Result<Message, Failure> {
    let Some(target) = request.header("x-amz-target") else {
        lock(state).counts.pings += usize::from(request.header("authorization").is_none());
        return Ok(Message::ok("healthy: dynamodb.us-east-1.amazonaws.com "));
    };
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let is_kms = target.starts_with("TrentService.");
    // A write contains a new token or the time, so it is recognized by its operation only.
    let is_write = matches!(
        operation.as_str(),
        "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems"
    );
    let body = if is_write { Vec::new() } else { request.body.clone() };
    let key = (operation.clone(), body);
    let (address, replayed) = {
        let mut state = lock(state);
        state.counts.calls.push(operation);
        let replayed = state.answers.get(&key).filter(|_| state.is_replaying).cloned();
        (if is_kms { state.kms } else { state.engine }, replayed)
    };
    if let Some(answer) = replayed {
        return marked(answer, &request.body);
    }
    let place = &mut behind[usize::from(is_kms)];
    if place.is_none() {
        *place = Some(BufReader::new(TcpStream::connect(address)?));
    }
    let Some(engine) = place else { return Err("no engine".into()) };
    let (answer, units) = if is_kms {
        request.write(engine.get_mut())?;
        (Message::read(engine)?.ok_or("KMS hung up")?, 0.0)
    } else {
        ask(engine, request.clone())?
    };
    let mut state = lock(state);
    *if is_write { &mut state.counts.write_units } else { &mut state.counts.read_units } += units;
    state.counts.answer_bytes_max = state.counts.answer_bytes_max.max(answer.body.len());
    if is_write {
        // The first answer is kept, because a second deletion finds nothing.
        state.answers.entry(key).or_insert_with(|| answer.clone());
    } else {
        state.answers.insert(key, answer.clone());
    }
    Ok(answer)
}

/// A repeated answer with the mark of the caller, who has taken a flow if it finds its own mark.
fn marked(mut answer: Message, request: &[u8]) -> Result<Message, Failure> {
    let mark = |request: Value| request.pointer("/ExpressionAttributeValues/:mark").cloned();
    let Some(mark) = serde_json::from_slice(request).ok().and_then(mark) else { return Ok(answer) };
    let mut body: Value = serde_json::from_slice(&answer.body)?;
    body["Attributes"]["taken_by"] = mark;
    answer.body = body.to_string().into_bytes();
    Ok(answer)
}

/// Calls the engine and asks for the consumed units. The client did not ask for them, so they are
/// removed from its answer.
fn ask(engine: &mut BufReader<TcpStream>, mut request: Message) -> Result<(Message, f64), Failure> {
    let mut body: Value = serde_json::from_slice(&request.body)?;
    body["ReturnConsumedCapacity"] = json!("TOTAL");
    request.body = body.to_string().into_bytes();
    request.write(engine.get_mut())?;
    let mut answer = Message::read(engine)?.ok_or("the engine hung up")?;
    let mut body: Value = serde_json::from_slice(&answer.body)?;
    let consumed = body.as_object_mut().and_then(|body| body.shift_remove("ConsumedCapacity"));
    let units = consumed.iter().flat_map(|consumed| match consumed {
        Value::Array(tables) => tables.as_slice(),
        table => std::slice::from_ref(table),
    });
    let units = units.filter_map(|table| table["CapacityUnits"].as_f64()).sum();
    answer.body = body.to_string().into_bytes();
    answer.headers.retain(|(name, _)| name != "x-amz-crc32");
    Ok((answer, units))
}

/// A server's TLS settings with a chain of RSA certificates, as AWS has, and their root. `openssl`
/// makes them, because ring cannot make RSA keys.
fn tls(folder: &Path) -> Result<(Arc<ServerConfig>, String), Failure> {
    let root = certificate(folder, "root", "root", "basicConstraints=critical,CA:TRUE")?;
    let middle = certificate(folder, "middle", "root", "basicConstraints=critical,CA:TRUE")?;
    let leaf = certificate(folder, "leaf", "middle", "subjectAltName=DNS:localhost")?;
    let chain = [&leaf, &middle].map(CertificateDer::from_pem_file);
    let chain = chain.into_iter().collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(leaf.with_extension("key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), fs::read_to_string(root)?))
}

fn certificate(
    folder: &Path,
    name: &str,
    issuer: &str,
    extension: &str,
) -> Result<PathBuf, Failure> {
    let file = |name: &str, kind: &str| folder.join(format!("{name}.{kind}"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-config", "/dev/null", "-newkey", "rsa:2048", "-nodes"]);
    openssl.args(["-days", "2", "-subj", &format!("/CN=bench {name}"), "-addext", extension]);
    openssl.arg("-keyout").arg(file(name, "key")).arg("-out").arg(file(name, "pem"));
    if issuer != name {
        openssl.arg("-CA").arg(file(issuer, "pem")).arg("-CAkey").arg(file(issuer, "key"));
    }
    let output = openssl.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(file(name, "pem"))
}
