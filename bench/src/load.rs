//! The release build of `local`, in memory, under `wrk`.

mod recorded;

use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Failure;
use crate::functions::{create_body, reconnect_body};
use crate::process::rss_mb;
use crate::world::{EXCHANGED, SECRET_KEY, connecting_document, document};

const CONNECTIONS: [u32; 4] = [1, 16, 64, 256];
/// How long each run lasts, in seconds.
const SECONDS: u32 = 5;

/// `local`, killed when it goes out of scope.
struct Local {
    child: Child,
    url: String,
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `wrk` says about one run.
struct Run {
    requests_per_second: f64,
    p50: String,
    p99: String,
    problems: Vec<String>,
}

/// A table with a line for each endpoint and number of connections, and one of what consumes a
/// session, beside the recorded server. Each has a `local` of its own.
pub fn measure(binary: &Path) -> Result<String, Failure> {
    Ok(format!("{}\n{}", sessions(binary)?, recorded::connecting(binary)?))
}

/// The calls of a session itself.
fn sessions(binary: &Path) -> Result<String, Failure> {
    let folder = TempDir::new()?;
    let local = start(binary, folder.path())?;
    let tokens = folder.path().join("tokens");
    let create = post("", SECRET_KEY, &create_body());
    let mint = create.clone() + &keep_tokens(&tokens);
    let create = script(folder.path(), "create", &create)?;
    let reconnect = post("/reconnect", SECRET_KEY, &reconnect_body());
    let reconnect = script(folder.path(), "reconnect", &reconnect)?;
    let mint = script(folder.path(), "mint", &mint)?;

    let mut text = String::from(
        "| endpoint | connections | requests/s | p50 | p99 | errors | VmRSS, MB |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
    );
    for endpoint in ["create", "reconnect", "get", "delete"] {
        for connections in CONNECTIONS {
            let script = match endpoint {
                "create" => create.clone(),
                "reconnect" => reconnect.clone(),
                // Each token is good for one delete, so there have to be enough of them.
                _ => {
                    File::create(&tokens)?;
                    wrk(&local.url, &mint, 64, if endpoint == "get" { 1 } else { 2 * SECONDS })?;
                    let text = if endpoint == "get" { get(&tokens) } else { delete(&tokens) };
                    self::script(folder.path(), endpoint, &text?)?
                }
            };
            line(&mut text, &local, endpoint, &script, connections)?;
        }
    }
    Ok(text)
}

/// Loads an endpoint, and writes a line about it.
fn line(
    text: &mut String,
    local: &Local,
    endpoint: &str,
    script: &Path,
    connections: u32,
) -> Result<(), Failure> {
    let run = wrk(&local.url, script, connections, SECONDS)?;
    let Run { requests_per_second, p50, p99, problems } = run;
    let problems = some_or_zero(&problems);
    let memory = rss_mb(local.child.id())?;
    let _ = writeln!(
        text,
        "| {endpoint} | {connections} | {requests_per_second:.0} | {p50} | {p99} | {problems} | \
         {memory:.0} |"
    );
    Ok(())
}

fn some_or_zero(problems: &[String]) -> String {
    if problems.is_empty() { "0".to_owned() } else { problems.join(", ") }
}

/// The same request over and over.
fn read(path: &str, credential: &str) -> String {
    format!("wrk.path = '{path}'\nwrk.headers['authorization'] = 'Bearer {credential}'\n")
}

/// The answer to one request.
fn curl(url: &str, header: &str, body: &str) -> Result<Value, Failure> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-H", header, "-H", "content-type: application/json", "-d", body, url]);
    Ok(serde_json::from_slice(&curl.output()?.stdout)?)
}

fn start(binary: &Path, folder: &Path) -> Result<Local, Failure> {
    let file = folder.join("environment.json");
    let mut environments = document(&["github", "slack"].map(str::to_owned));
    let mut document_of_connecting = connecting_document("https://acme.example.com");
    let mut connecting = document_of_connecting["environments"][0].take();
    // Providers of the environment's own are a call more, and the recorded server's had none.
    connecting["providers"] = json!([]);
    if let Some(integrations) = connecting["integrations"].as_array_mut() {
        integrations.retain(|integration| integration["provider"] != EXCHANGED);
        integrations.push(json!({ "unique_key": "open", "provider": "unauthenticated" }));
    }
    if let Some(list) = environments["environments"].as_array_mut() {
        list.push(connecting);
    }
    fs::write(&file, environments.to_string())?;
    let log = folder.join("log");
    let child = Command::new(binary)
        .args(["--in-memory", "--listen", "127.0.0.1:0", "--environment"])
        .arg(file)
        .stdout(File::create(&log)?)
        .stderr(File::create(folder.join("requests"))?)
        .spawn()
        .map_err(|error| format!("{}: {error}", binary.display()))?;
    let mut local = Local { child, url: String::new() };
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(100));
        let banner = fs::read_to_string(&log)?;
        if banner.contains("Ctrl-C") {
            let url = banner.lines().find_map(|line| line.trim().strip_prefix("url"));
            url.ok_or("a banner without URL")?.trim().clone_into(&mut local.url);
            return Ok(local);
        }
    }
    Err("local does not start".into())
}

fn wrk(url: &str, script: &Path, connections: u32, seconds: u32) -> Result<Run, Failure> {
    let output = Command::new("wrk")
        .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(url)
        .output()
        .map_err(|error| format!("wrk, a package of Debian: {error}"))?;
    let text = String::from_utf8(output.stdout)?;
    let after = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map(|rest| rest.trim().to_owned()).ok_or_else(|| format!("wrk says: {text}"))
    };
    let problems = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("Socket errors") || line.starts_with("Non-2xx"));
    Ok(Run {
        requests_per_second: after("Requests/sec:")?.parse()?,
        p50: after("50%")?,
        p99: after("99%")?,
        problems: problems.map(str::to_owned).collect(),
    })
}

fn script(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let file = folder.join(format!("{name}.lua"));
    fs::write(&file, text)?;
    Ok(file)
}

fn post(path: &str, key: &str, body: &Value) -> String {
    format!(
        "wrk.method = 'POST'\n\
         wrk.path = '/connect/sessions{path}'\n\
         wrk.body = '{body}'\n\
         wrk.headers['authorization'] = 'Bearer {key}'\n\
         wrk.headers['content-type'] = 'application/json'\n"
    )
}

/// Writes the tokens that create answers into a file.
fn keep_tokens(file: &Path) -> String {
    format!(
        "function init() file = io.open('{}', 'a') end\n\
         function response(_, _, body) file:write(body:match('\"token\":\"([^\"]+)\"'), '\\n') \
         file:flush() end\n",
        file.display()
    )
}

/// Reads one session over and over.
fn get(tokens: &Path) -> Result<String, Failure> {
    let tokens = fs::read_to_string(tokens)?;
    let token = tokens.lines().next().ok_or("no token")?;
    Ok(read("/connect/session", token))
}

/// Deletes a session each time. It stops before the tokens run out.
fn delete(tokens: &Path) -> Result<String, Failure> {
    let count = fs::read_to_string(tokens)?.lines().count();
    Ok(format!(
        "function init() lines = io.lines('{}') at = 0 end\n\
         function request() at = at + 1 if at > {count} - 1000 then wrk.thread:stop() end\n\
         return wrk.format('DELETE', '/connect/session', \
         {{ authorization = 'Bearer ' .. lines() }}) end\n",
        tokens.display()
    ))
}
