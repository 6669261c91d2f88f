//! The recorded pairs of request and answer: for sessions in `contract/cases.jsonl`, for what uses
//! a session in `contract/cases-flow.jsonl`.
//!
//! `contract/deviations.jsonl` and `contract/deviations-flow.jsonl` list, by name, the cases in
//! which this project's answer differs, the deviation of `docs/compatibility.md` that explains it,
//! and what a case presupposes. `contract/not-built.json` lists the cases of what this project does
//! not have.

mod judge;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::provider::Provider;

/// A request of a case.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers; values may hold placeholders.
    #[serde(default)]
    pub headers: HashMap<String, String>,
    /// A JSON body.
    pub body: Option<Value>,
    /// A body as text.
    pub body_raw: Option<String>,
}

/// A request and the answer to it.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Its name, unique.
    pub name: String,
    /// Requests to send first. `{{session_token}}` is the token that the first one makes.
    #[serde(default)]
    pub setup: Vec<Step>,
    /// The request.
    #[serde(flatten)]
    pub step: Step,
    /// The expected status.
    pub expect_status: u16,
    /// The expected body, whole.
    pub expect_body: Option<Value>,
    /// A part of the expected body, if the whole is not given.
    pub expect_body_partial: Option<Value>,
    /// The expected headers; `null` means that the header is absent.
    #[serde(default)]
    pub expect_headers: Map<String, Value>,
    /// The expected record of the session.
    #[serde(default)]
    pub expect_state: Map<String, Value>,
    /// The expected message of a page for a popup.
    pub expect_page: Option<Page>,
    /// The section of the contract that it shows.
    #[serde(default = "sessions")]
    pub section: String,
    /// What it presupposes, in words.
    pub given: Option<String>,
}

fn sessions() -> String {
    "sessions".to_owned()
}

/// A page that tells its opener how a flow ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Page {
    /// The type of the message that it posts.
    pub posts: String,
    /// The error in that message.
    pub payload: Option<Value>,
}

/// The words with which a case presupposes that its session has expired.
const AFTER_THE_END: &str = "clock past expires_at";

/// How this project's answer to a case differs, and what the case presupposes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The case.
    pub name: String,
    /// The row of the deviations' table, if the answer differs.
    pub deviation: Option<String>,
    /// Why the case cannot arise here.
    pub cannot_arise: Option<String>,
    /// What has to be built before the case can be replayed.
    pub not_built: Option<String>,
    /// Why the answer differs without a deviation.
    pub note: Option<String>,
    /// The answer's status here.
    pub expect_status: Option<u16>,
    /// The answer's body here.
    pub expect_body: Option<Value>,
    /// A part of the answer's body here.
    pub expect_body_partial: Option<Value>,
    /// The answer's headers here.
    pub expect_headers: Option<Map<String, Value>>,
    /// A change of environment `dev` before the case.
    pub environment: Option<Value>,
    /// A change of environment `dev` after the case's setup.
    pub environment_after_setup: Option<Value>,
    /// How long after the setup the request arrives.
    pub after_ms: Option<i64>,
}

/// The cases of what this project does not have.
#[derive(Debug, Deserialize)]
struct NotBuilt {
    reason: String,
    sections: Vec<String>,
    cases: Vec<String>,
}

/// The cases of sessions, each with its deviation.
pub fn all() -> Vec<(Case, Deviation)> {
    read(include_str!("../contract/cases.jsonl"), include_str!("../contract/deviations.jsonl"))
}

/// The cases of what uses a session, each with its deviation. `provider` replaces the one with
/// which they were recorded.
pub fn flow(provider: &Provider) -> Vec<(Case, Deviation)> {
    let not_built: Vec<NotBuilt> =
        serde_json::from_str(include_str!("../contract/not-built.json")).expect("a list");
    let mut cases = read(
        &provider.stand_in(include_str!("../contract/cases-flow.jsonl")),
        &provider.stand_in(include_str!("../contract/deviations-flow.jsonl")),
    );
    for (case, deviation) in &mut cases {
        let part = not_built
            .iter()
            .find(|part| part.sections.contains(&case.section) || part.cases.contains(&case.name));
        deviation.not_built = part.map(|part| part.reason.clone());
        if case.given.as_deref() == Some(AFTER_THE_END) {
            deviation.after_ms = Some(1_800_000);
        }
    }
    cases
}

/// What differs, of all cases.
pub fn deviations() -> Vec<Deviation> {
    let mut deviations = lines(include_str!("../contract/deviations.jsonl"));
    deviations.extend(lines(include_str!("../contract/deviations-flow.jsonl")));
    deviations
}

fn lines<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(parse).collect()
}

fn read(cases: &str, deviations: &str) -> Vec<(Case, Deviation)> {
    let mut deviations: HashMap<String, Deviation> = lines(deviations)
        .into_iter()
        .map(|deviation: Deviation| (deviation.name.clone(), deviation))
        .collect();
    let cases = lines(cases)
        .into_iter()
        .map(|mut case: Case| {
            let deviation = deviations.remove(&case.name).unwrap_or_default();
            case.expect_status = deviation.expect_status.unwrap_or(case.expect_status);
            if deviation.expect_body.is_some() || deviation.expect_body_partial.is_some() {
                case.expect_body.clone_from(&deviation.expect_body);
                case.expect_body_partial.clone_from(&deviation.expect_body_partial);
            }
            if let Some(headers) = &deviation.expect_headers {
                case.expect_headers.clone_from(headers);
            }
            (case, deviation)
        })
        .collect();
    assert!(deviations.is_empty(), "deviations of no case: {:?}", deviations.keys());
    cases
}

/// The values of the placeholders.
#[derive(Debug, Clone)]
pub struct Values {
    /// `{{secret_key}}`.
    pub secret_key: String,
    /// `{{secret_key_no_scope}}`.
    pub secret_key_no_scope: String,
    /// `{{session_token}}`.
    pub session_token: Option<String>,
    /// `{{connect_base}}`, which ends with `/`.
    pub connect_base: String,
    /// When the request arrives.
    pub now: Timestamp,
    /// How far the service's clock may be from `now`.
    pub tolerance_ms: i64,
}

impl Step {
    /// The request with its placeholders filled in.
    pub fn call(&self, values: &Values) -> Call {
        let fill = |text: &str| {
            text.replace("{{secret_key}}", &values.secret_key)
                .replace("{{secret_key_no_scope}}", &values.secret_key_no_scope)
                .replace("{{session_token}}", values.session_token.as_deref().unwrap_or_default())
                .replace("{{now_iso}}", &format!("{:.3}", values.now))
                .replace("{{now_ms}}", &values.now.as_millisecond().to_string())
        };
        let mut call = Call::new(&self.method, &fill(&self.path));
        for (name, value) in &self.headers {
            call = call.header(name, &fill(value));
        }
        match (&self.body, &self.body_raw) {
            (Some(body), _) => call.body(fill(&body.to_string())),
            (None, Some(text)) => call.body(fill(text)),
            (None, None) => call,
        }
    }
}
