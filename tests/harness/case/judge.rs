//! How an answer is compared with the recorded one.

use jiff::Timestamp;
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Deserializer, Value};

use super::{Case, Page, Values};
use crate::call::{HOST, Reply};

/// `{{uuid4}}` (RFC 9562 section 5.4).
const UUID4: &str = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

/// `{{uuid1}}` (RFC 9562 section 5.1).
const UUID1: &str = "[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

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
        if self.expect_page.as_ref().is_some_and(|page| !page.is(&reply.body, values)) {
            return fail("page");
        }
        for (name, expected) in &self.expect_headers {
            let is_expected = match (expected.as_str(), reply.header(name)) {
                (Some(expected), Some(sent)) => text_matches(expected, sent, &Value::Null, values),
                (expected, sent) => expected == sent,
            };
            if !is_expected {
                return fail(&format!("header {name}"));
            }
        }
        Ok(())
    }
}

impl Page {
    /// Whether a page says the same.
    fn is(&self, page: &str, values: &Values) -> bool {
        let told = page
            .split_once("window.__nangoOAuthError = ")
            .and_then(|(_, rest)| Value::deserialize(&mut Deserializer::from_str(rest)).ok());
        let expected = self.payload.as_ref().unwrap_or(&Value::Null);
        page.contains(&self.posts)
            && told.is_some_and(|told| matches(expected, &told, &told, values, false))
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
        (Value::String(expected), Value::Number(actual)) => {
            expected == "{{int}}" && actual.as_u64().is_some()
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
    let pattern = regex_lite::escape(&expected)
        .replace(r"\{\{uuid4\}\}", UUID4)
        .replace(r"\{\{uuid1\}\}", UUID1)
        .replace(r"\{\{server_base\}\}", &format!("https?://{}", regex_lite::escape(HOST)));
    assert!(!pattern.contains(r"\{\{"), "unknown placeholder in {expected}");
    Regex::new(&format!("^{pattern}$")).expect("a pattern").is_match(actual)
}
