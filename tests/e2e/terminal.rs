//! The log on a terminal, where people read it, and elsewhere.

use std::path::Path;
use std::process::Command;

use regex_lite::Regex;
use serde_json::{Value, json};
use tests::Call;

use crate::process::{Process, command};

/// Sends four requests, and returns what is logged about them and afterwards.
async fn log_of(mut process: Process) -> String {
    let client = reqwest::Client::new();
    let send = async |call: Call| call.send_over(&client, &process.url).await;
    let token = send(Call::create(&process.secret_key, &json!({ "tags": {} }))).await.token();
    assert_eq!(send(Call::get(&token)).await.status, 200);
    assert_eq!(send(Call::get("hunter2")).await.status, 401);
    assert_eq!(send(Call::new("GET", "/nope?password=hunter2")).await.status, 404);
    process.signal("TERM");
    assert!(process.wait().success());
    // Standard output has the banner only.
    assert!(process.stdout().ends_with("Ctrl-C stops it.\n"), "{}", process.stdout());
    let log = process.stderr();
    assert!(!log.contains("hunter2") && !log.contains(&token), "{log}");
    log
}

fn local(folder: &Path, arguments: &[&str]) -> Command {
    command(folder, &[&["--listen", "127.0.0.1:0", "--in-memory"], arguments].concat())
}

/// The lines after those of the start.
fn assert_short(log: &str) {
    let lines: Vec<_> = log.lines().map(str::trim_end).collect();
    let time = r"^\d\d:\d\d:\d\d +";
    for (line, expected) in lines[lines.len() - 5..].iter().zip([
        r"INFO POST /connect/sessions 201 \d+\.\d ms$",
        r"INFO GET /connect/session 200 \d+\.\d ms$",
        r"WARN GET /connect/session 401 invalid_connect_session_token_format \d+\.\d ms$",
        r"WARN GET /nope 404 \d+\.\d ms$",
    ]) {
        let pattern = Regex::new(&format!("{time}{expected}")).expect("a pattern");
        assert!(pattern.is_match(line), "{line} is not {expected}");
    }
    assert!(lines.iter().any(|line| line.contains("INFO provisioned created=")), "{log}");
    assert!(!log.contains('{'), "{log}");
}

fn assert_json(log: &str) {
    let (stopping, lines): (Vec<_>, Vec<_>) =
        log.lines().map(str::trim_end).partition(|line| line.starts_with("stopping"));
    assert_eq!(stopping.len(), 1);
    let lines = lines.iter().map(|line| serde_json::from_str(line).expect("a JSON line"));
    let requests: Vec<Value> = lines.filter(|line: &Value| line["message"] == "request").collect();
    let routes: Vec<_> = requests.iter().map(|line| &line["route"]).collect();
    // The first line is about the session of the banner's link.
    let (own, asked) = routes.split_first().expect("lines");
    assert_eq!(**own, "POST /connect/sessions");
    assert_eq!(asked, ["POST /connect/sessions", "GET /connect/session", "GET /connect/session"]);
    assert!(!log.contains("/nope"), "no function was invoked: {log}");
}

#[tokio::test]
async fn a_terminal_gets_short_lines_in_colour() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log_of(Process::spawn_on_a_terminal(local(folder.path(), &[]))).await;
    assert!(log.contains("\u{1b}[33m WARN\u{1b}[0m"), "{log}");
    let colours = Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    assert_short(&colours.replace_all(&log, ""));
}

#[tokio::test]
async fn no_color_is_respected_and_the_time_is_that_of_the_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut local = local(folder.path(), &[]);
    // A POSIX time zone, 14 hours before UTC's day.
    local.env("NO_COLOR", "1").env("TZ", "XXX-14");
    let log = log_of(Process::spawn_on_a_terminal(local)).await;
    assert!(!log.contains('\u{1b}'), "{log}");
    assert_short(&log);
    #[expect(clippy::disallowed_methods, reason = "a process with a real clock has written it")]
    let now = jiff::Timestamp::now().as_second() / 60;
    let minute = |at: usize| log[at..at + 2].parse::<i64>().expect("a number");
    let behind = (now + 14 * 60 - (minute(0) * 60 + minute(3))).rem_euclid(24 * 60);
    assert!(behind < 5, "{behind} minutes: {log}");
}

#[tokio::test]
async fn elsewhere_lines_are_json_as_on_lambda() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_json(&log_of(Process::spawn(local(folder.path(), &[]))).await);
}

#[tokio::test]
async fn either_form_can_be_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = || local(folder.path(), &["--log", "json"]);
    assert_json(&log_of(Process::spawn_on_a_terminal(json())).await);
    assert_json(&log_of(Process::spawn(json())).await);
    let pretty = local(folder.path(), &["--log", "pretty"]);
    let log = log_of(Process::spawn(pretty)).await;
    assert!(!log.contains('\u{1b}'), "{log}");
    assert_short(&log);
}
