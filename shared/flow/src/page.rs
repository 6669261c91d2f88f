//! The page at the end of an OAuth flow. It posts the outcome to its opener (section 7.3 of the
//! flow), and tells the person what happened and what to do.
//!
//! The page contains one script and one style. Its Content-Security-Policy names their hashes (CSP
//! Level 3, section 2.3.1), so nothing else runs, whatever a provider wrote into a message. The
//! page sets no `Cross-Origin-Opener-Policy`, which would cut off the opener.

use std::fmt::Write as _;

use api::response::{self, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::http::StatusCode;
use ring::digest::{SHA256, digest};
use serde_json::json;
use session::Error;
use session::oauth_flow::FlowEnd;

use crate::words;

const SCRIPT: &str = include_str!("page/callback.js");
const STYLE: &str = include_str!("page/callback.css");

/// The error type in every page, as the contract says; websocket messages have the real one.
const ERROR_TYPE: &str = "connection_validation_failed";

/// The page for the end of a flow.
pub fn of_end(end: &FlowEnd) -> Response {
    match end {
        FlowEnd::Connected => {
            let words = ("Connected", "You can close this window.");
            response::page(StatusCode::OK, html(None, words), &policy(None))
        }
        FlowEnd::Failed { error_type, message } => {
            failed(StatusCode::BAD_REQUEST, error_type, message)
        }
    }
}

/// The page for an error that would otherwise be answered as JSON. A 500 or 503 is logged as usual.
pub fn of_error(error: &Error) -> Response {
    let answer = response::failure(error);
    let message = error.message();
    let message = if message.is_empty() { error.code() } else { &message };
    let mut page = failed(answer.status(), error.code(), message);
    for name in [response::WWW_AUTHENTICATE, response::RETRY_AFTER] {
        if let Some(value) = answer.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

fn failed(status: StatusCode, error_type: &str, message: &str) -> Response {
    let words = words::of(error_type, message);
    response::page(status, html(Some(message), words), &policy(Some(message)))
}

fn html(error: Option<&str>, (heading, advice): (&str, &str)) -> String {
    let details = error.map(|message| {
        let message = escaped(message);
        format!("<details><summary>Details</summary><pre>{message}</pre></details>\n")
    });
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Authorization callback</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <main role=\"{role}\">\n<h1>{heading}</h1>\n<p>{advice}</p>\n{details}</main>\n\
         <script>{script}</script>\n</body>\n</html>\n",
        role = if error.is_some() { "alert" } else { "status" },
        details = details.unwrap_or_default(),
        script = script(error),
    )
}

fn script(error: Option<&str>) -> String {
    let error = error.map(|message| json!({ "message": message, "errorType": ERROR_TYPE }));
    format!("window.__nangoOAuthError = {};\n{SCRIPT}", in_script(&json!(error).to_string()))
}

fn policy(error: Option<&str>) -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(&script(error)),
        hash(STYLE)
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

/// JSON that is safe inside a script element: it cannot end the element, or a line in old engines.
fn in_script(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
