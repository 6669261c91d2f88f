//! The page of the inbox: plain HTML without scripts.

use std::collections::VecDeque;
use std::fmt::Write;

use serde_json::Value;

use super::{Answer, Received};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
                     padding:0 1rem}pre{overflow:auto;padding:.5rem;border:1px solid;\
                     white-space:pre-wrap;overflow-wrap:anywhere}\
                     li{margin-bottom:1.5rem}label{margin-right:1.5rem}\
                     :root{color-scheme:light dark}";

/// The page.
pub fn page(url: &str, received: &VecDeque<Received>, answer: Answer) -> String {
    let mut choices = String::new();
    for (choice, value, meaning) in Answer::ALL {
        let checked = if choice == answer { " checked" } else { "" };
        let _ = writeln!(
            choices,
            "<label><input type=\"radio\" name=\"answer\" value=\"{value}\"{checked}> {meaning}</label>"
        );
    }
    let list = if received.is_empty() {
        "<p>None has arrived yet. Make a connection, then reload.</p>".to_owned()
    } else {
        let items: String = received.iter().map(item).collect();
        format!("<ol>\n{items}</ol>")
    };
    let url = escaped(url);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Webhook inbox</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Webhook inbox</h1>\n\
         <p>Webhooks that are sent to <code>{url}</code> arrive here. \
         <a href=\"/local/inbox\">Reload</a></p>\n\
         <form method=\"post\" action=\"/local/inbox/answer\">\n<fieldset>\n\
         <legend>What the inbox answers</legend>\n{choices}<button>Set</button>\n</fieldset>\n\
         </form>\n<h2>The last {}</h2>\n{list}\n</main>\n</body>\n</html>\n",
        received.len(),
    )
}

fn item(webhook: &Received) -> String {
    let body: Value = serde_json::from_str(&webhook.body).unwrap_or_default();
    let operation = body["operation"].as_str().unwrap_or("unknown");
    let success = if body["success"] == false { "failed" } else { "succeeded" };
    let mut headers = String::new();
    for (name, value) in &webhook.headers {
        let _ = writeln!(headers, "{name}: {value}");
    }
    format!(
        "<li>\n<h3>{at:.3}: {operation} {success}</h3>\n<p>Signature: {signature}. \
         Answered: {status}.</p>\n<pre aria-label=\"Body\">{body}</pre>\n\
         <details><summary>Headers</summary>\n<pre>{headers}</pre></details>\n</li>\n",
        at = webhook.at,
        operation = escaped(operation),
        signature = webhook.signature,
        status = webhook.answer.status().as_u16(),
        body = escaped(&webhook.body),
        headers = escaped(&headers),
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            character => escaped.push(character),
        }
    }
    escaped
}
