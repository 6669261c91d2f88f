//! How the process ends: in bounded time, with a status that says whether a request was cut off.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use serde_json::json;
use tests::{Call, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Process, command, end, signal};

/// Sends the head of a request, and waits until the server asks for the body.
async fn half_sent(address: &str, head: &str, length: usize) -> TcpStream {
    let head = format!(
        "{head}\r\nhost: localhost\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("a write");
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.expect("an interim answer");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

/// Half a request to create a session.
async fn half_a_create(process: &Process, length: usize) -> TcpStream {
    let head = format!(
        "POST /connect/sessions HTTP/1.1\r\nauthorization: Bearer {}\r\n\
         content-type: application/json",
        process.secret_key
    );
    half_sent(process.url.trim_start_matches("http://"), &head, length).await
}

#[tokio::test]
async fn a_stop_finishes_the_request_in_flight() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Process::start(folder.path(), &["--stop-within", "60"]);
        let body = json!({ "tags": {} }).to_string();
        let mut stream = half_a_create(&process, body.len()).await;

        process.signal(signal);
        process.wait_for("stopping: requests in flight finish first");
        stream.write_all(body.as_bytes()).await.expect("a write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
        assert!(process.wait().success());

        let token = answer.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let token = token.expect("a token");
        let again = Process::start(folder.path(), &[]);
        let reply = Call::get(token).send_over(&reqwest::Client::new(), &again.url).await;
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::start(folder.path(), &["--stop-within", "1"]);
    let _stream = half_a_create(&process, 100).await;
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(3));
    let told = "cut off: the API was busy after 1s\n";
    assert!(process.stderr().ends_with(told), "{}", process.stderr());
}

#[tokio::test]
async fn a_request_to_the_engine_that_never_ends_is_cut_off_and_nothing_is_lost() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
    let address = free.expect("a free port").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::start(folder.path(), &["--stop-within", "1", "--engine", &address]);
    let client = reqwest::Client::new();
    let call = Call::create(&process.secret_key, &json!({ "tags": {} }));
    let token = call.send_over(&client, &process.url).await.token();
    let _stream = half_sent(&address, "POST / HTTP/1.1", 100).await;
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(3));
    let told = "cut off: the DynamoDB engine was busy after 1s\n";
    assert!(process.stderr().ends_with(told), "{}", process.stderr());

    let again = Process::start(folder.path(), &[]);
    assert_eq!(Call::get(&token).send_over(&client, &again.url).await.status, 200);
}

#[tokio::test]
async fn open_sockets_hold_up_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::start(folder.path(), &["--in-memory", "--stop-within", "3600"]);
    let address = process.url.trim_start_matches("http://").parse().expect("an address");
    let _silent = Socket::open(address, "/", &[]).await.expect("a socket");
    let mut busy = Socket::open(address, "/", &[]).await.expect("a socket");
    assert!(busy.is_silent().await);
    process.signal("TERM");
    assert!(process.wait().success());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::start(folder.path(), &["--in-memory", "--stop-within", "3600"]);
    let _stream = half_a_create(&process, 100).await;
    process.signal("TERM");
    process.wait_for("stopping: requests in flight finish first");
    process.signal("INT");
    assert_eq!(process.wait().code(), Some(3));
    let told = "cut off: the API was busy at a second signal\n";
    assert!(process.stderr().ends_with(told), "{}", process.stderr());
}

#[test]
fn a_start_that_hangs_can_be_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("environment.json");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let arguments = ["--listen", "127.0.0.1:0", "--in-memory", "--environment", "environment.json"];
    let mut local = command(folder.path(), &arguments);
    let mut child = local.stderr(Stdio::piped()).spawn().expect("the process starts");
    // Opening a pipe without a reader fails if it must not block.
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let writer = loop {
        match options.open(&pipe) {
            Ok(writer) => break writer,
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
        assert_eq!(child.try_wait().expect("a status"), None, "it reads its document");
    };
    signal(&child, "TERM");
    assert_eq!(end(&mut child).code(), Some(3));
    drop(writer);
    let output = child.wait_with_output().expect("its output");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "cut off: the start\n");
}

#[test]
fn a_signal_at_any_moment_of_the_start_ends_it() {
    for delay in [0, 1, 2, 5, 10, 20, 50, 100] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut local = command(folder.path(), &["--listen", "127.0.0.1:0"]);
        let mut child = local.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.as_mut().expect("the process starts");
        thread::sleep(Duration::from_millis(delay));
        signal(child, "TERM");
        let status = end(child);
        // Before the handlers are installed, the signal itself ends it.
        let is_known = matches!(status.code(), Some(0 | 3)) || status.signal() == Some(15);
        assert!(is_known, "{status} after {delay} ms");
    }
}
