//! The recorded request and answer pairs of `contract/cases.jsonl`, and how an answer is compared.
//!
//! `contract/deviations.jsonl` says by name where this project's answer is another, which
//! deviation of `docs/compatibility.md` that is, and what a case takes for given.

use std::collections::HashMap;

use jiff::Timestamp;
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::call::{Call, Reply};

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
    /// Requests to send first; the first one's token is `{{session_token}}`.
    #[serde(default)]
    pub setup: Vec<Step>,
    /// The request.
    #[serde(flatten)]
    pub step: Step,
    /// The expected status.
    pub expect_status: u16,
    /// The expected body, whole.
    pub expect_body: Option<Value>,
    /// A part of the expected body.
    pub expect_body_partial: Option<Value>,
    /// The expected headers; `null` is an absent one.
    #[serde(default)]
    pub expect_headers: Map<String, Value>,
    /// What the session's record holds.
    #[serde(default)]
    pub expect_state: Map<String, Value>,
}

/// Where a case differs here, and what it takes for given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The case.
    pub name: String,
    /// The row of the deviations' table, if the answer is another.
    pub deviation: Option<String>,
    /// Why the case cannot arise here.
    pub cannot_arise: Option<String>,
    /// The answer's status here.
    pub expect_status: Option<u16>,
    /// The answer's body here.
    pub expect_body: Option<Value>,
    /// The answer's headers here.
    pub expect_headers: Option<Map<String, Value>>,
    /// A change of environment `dev` before the case.
    pub environment: Option<Value>,
    /// A change of environment `dev` after the case's setup.
    pub environment_after_setup: Option<Value>,
    /// How long after the setup the request arrives.
    pub after_ms: Option<i64>,
}

/// The cases, each with its deviation.
pub fn all() -> Vec<(Case, Deviation)> {
    fn lines<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        text.lines().map(parse).collect()
    }
    let mut deviations: HashMap<String, Deviation> =
        lines(include_str!("../contract/deviations.jsonl"))
            .into_iter()
            .map(|deviation: Deviation| (deviation.name.clone(), deviation))
            .collect();
    let cases = lines(include_str!("../contract/cases.jsonl"))
        .into_iter()
        .map(|mut case: Case| {
            let deviation = deviations.remove(&case.name).unwrap_or_default();
            case.expect_status = deviation.expect_status.unwrap_or(case.expect_status);
            if deviation.expect_body.is_some() {
                case.expect_body.clone_from(&deviation.expect_body);
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

/// What placeholders stand for.
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
    /// How far the service's clock may be from that.
    pub tolerance_ms: i64,
}

impl Step {
    /// The request with its placeholders filled in.
    pub fn call(&self, values: &Values) -> Call {
        let fill = |text: &str| {
            text.replace("{{secret_key}}", &values.secret_key)
                .replace("{{secret_key_no_scope}}", &values.secret_key_no_scope)
                .replace("{{session_token}}", values.session_token.as_deref().unwrap_or_default())
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

impl Case {
    /// What is wrong with an answer, or nothing.
    pub fn judge(&self, reply: &Reply, values: &Values) -> Result<(), String> {
        let fail = |what: &str| Err(format!("{what}\nin {reply:#?}\nexpected {self:#?}"));
        if reply.status != self.expect_status {
            return fail("status");
        }
        match &self.expect_body {
            Some(expected) if !matches(expected, &reply.json(), &reply.json(), values, false) => {
                return fail("body");
            }
            None if self.expect_status == 204 && !reply.body.is_empty() => return fail("a body"),
            _ => {}
        }
        if let Some(expected) = &self.expect_body_partial
            && !matches(expected, &reply.json(), &reply.json(), values, true)
        {
            return fail("partial body");
        }
        for (name, expected) in &self.expect_headers {
            if reply.header(name) != expected.as_str() {
                return fail(&format!("header {name}"));
            }
        }
        Ok(())
    }
}

/// Whether `actual` is as expected. `partial` lets objects have more keys.
fn matches(
    expected: &Value,
    actual: &Value,
    whole: &Value,
    values: &Values,
    partial: bool,
) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            (partial || expected.len() == actual.len())
                && expected.iter().all(|(key, expected)| {
                    actual
                        .get(key)
                        .is_some_and(|actual| matches(expected, actual, whole, values, partial))
                })
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual)
                    .all(|(expected, actual)| matches(expected, actual, whole, values, partial))
        }
        (Value::String(expected), Value::String(actual)) => {
            text_matches(expected, actual, whole, values)
        }
        _ => expected == actual,
    }
}

fn text_matches(expected: &str, actual: &str, whole: &Value, values: &Values) -> bool {
    if let Some(pattern) = expected.strip_prefix("{{re:").and_then(|e| e.strip_suffix("}}")) {
        return Regex::new(pattern).expect("a pattern").is_match(actual);
    }
    if expected == "{{iso_ms_utc:now+30m}}" {
        let expires_at: Timestamp = actual.parse().expect("a moment");
        let lifetime_ms = expires_at.as_millisecond() - values.now.as_millisecond();
        return format!("{expires_at:.3}") == actual
            && (lifetime_ms - 1_800_000).abs() <= values.tolerance_ms;
    }
    let token = whole["data"]["token"].as_str().unwrap_or_default();
    let expected =
        expected.replace("{{connect_base}}", &values.connect_base).replace("{{token}}", token);
    assert!(!expected.contains("{{"), "unknown placeholder in {expected}");
    expected == actual
}
