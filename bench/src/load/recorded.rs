//! What consumes a session, under load, beside the recorded server.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use super::{Run, SECONDS, curl, keep_tokens, post, read, some_or_zero, start, wrk};
use crate::Failure;
use crate::world::{CONNECTED, CONNECTING_KEY, CONSENTED};

/// How many connections the recorded server was asked over.
const RECORDED_WITH: u32 = 16;
/// How many runs there are beside the recorded server, of which the middle one counts: other guests
/// of the machine slow down some.
const RUNS: usize = 3;
/// How long sessions are made before each, in seconds.
const MINTING_SECONDS: u32 = 2;

/// What consumes a session, beside the recorded server. Each run has a `local` of its own, since
/// what is stored slows down the engine.
pub fn connecting(binary: &Path) -> Result<String, Failure> {
    let mut text = String::from(
        "| endpoint, 16 connections | requests/s | the recorded server | factor | aim | \
         p50 | p99 | errors |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Recorded { endpoint, per_second, aim, script } in RECORDED {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let folder = TempDir::new()?;
            let local = start(binary, folder.path())?;
            let connecting = Connecting::new(&local.url, folder.path())?;
            let script = super::script(folder.path(), "connecting", &script(&connecting))?;
            runs.push(wrk(&local.url, &script, RECORDED_WITH, SECONDS)?);
        }
        let Run { requests_per_second, p50, p99, problems } = middle(runs);
        let factor = requests_per_second / per_second;
        let problems = some_or_zero(&problems);
        let _ = writeln!(
            text,
            "| {endpoint} | {requests_per_second:.0} | {per_second} | {factor:.0} | {aim} | \
             {p50} | {p99} | {problems} |"
        );
    }
    Ok(text)
}

/// The run between the faster and the slower ones, with the problems of all.
fn middle(mut runs: Vec<Run>) -> Run {
    let problems = runs.iter_mut().flat_map(|run| std::mem::take(&mut run.problems)).collect();
    runs.sort_by(|run, other| run.requests_per_second.total_cmp(&other.requests_per_second));
    Run { problems, ..runs.swap_remove(runs.len() / 2) }
}

/// An endpoint for which the recorded server's figures are known.
struct Recorded {
    endpoint: &'static str,
    /// Requests a second that the recorded server answered.
    per_second: f64,
    /// How many times as many this one is to answer.
    aim: u32,
    /// What `wrk` sends.
    script: fn(&Connecting) -> String,
}

const RECORDED: [Recorded; 4] = [
    Recorded {
        endpoint: "GET /integrations",
        per_second: 31.0,
        aim: 70,
        script: |connecting| read("/integrations", &connecting.token),
    },
    Recorded {
        endpoint: "POST /auth/unauthenticated/{key}",
        per_second: 28.0,
        aim: 70,
        script: |connecting| connecting.with_tokens("POST", "/auth/unauthenticated/open"),
    },
    Recorded {
        endpoint: "GET /connections/{id}",
        per_second: 220.0,
        aim: 10,
        script: |connecting| {
            let id = &connecting.connection_id;
            read(&format!("/connections/{id}?provider_config_key={CONNECTED}"), CONNECTING_KEY)
        },
    },
    Recorded {
        endpoint: "GET /oauth/connect/{key}",
        per_second: 16.0,
        aim: 100,
        script: |connecting| connecting.with_tokens("GET", &format!("/oauth/connect/{CONSENTED}")),
    },
];

/// What an environment has before it is loaded.
struct Connecting {
    /// A file with the tokens of thousands of sessions, as users have them: one that connects over
    /// and over carries its outcomes along.
    tokens: PathBuf,
    /// One of them.
    token: String,
    /// A connection with an API key.
    connection_id: String,
}

impl Connecting {
    fn new(url: &str, folder: &Path) -> Result<Self, Failure> {
        let tokens = folder.join("tokens");
        let session = json!({ "tags": { "plan": "pro" } });
        let mint = post("", CONNECTING_KEY, &session) + &keep_tokens(&tokens);
        wrk(url, &super::script(folder, "mint", &mint)?, RECORDED_WITH, MINTING_SECONDS)?;
        let text = fs::read_to_string(&tokens)?;
        let token = text.lines().next().ok_or("no token")?.to_owned();
        let key = format!("authorization: Bearer {CONNECTING_KEY}");
        let import = json!({
            "provider_config_key": CONNECTED,
            "credentials": { "type": "API_KEY", "apiKey": "re_5d41402abc4b2a76b9719d911017c592" },
        });
        let made = curl(&format!("{url}/connections"), &key, &import.to_string())?;
        let connection_id = made["connection_id"].as_str().ok_or("no connection")?.to_owned();
        Ok(Self { tokens, token, connection_id })
    }

    /// A request with the token of another session each time, until they are through and come
    /// again.
    fn with_tokens(&self, method: &str, path: &str) -> String {
        format!(
            "function init() tokens = {{}} at = 0 \
             for line in io.lines('{}') do tokens[#tokens + 1] = line end end\n\
             function request() at = at % #tokens + 1 \
             return wrk.format('{method}', '{path}?connect_session_token=' .. tokens[at]) end\n",
            self.tokens.display()
        )
    }
}
