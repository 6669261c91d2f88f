//! The logos of providers: one as a picture, or several in one answer. Paths and colours are from
//! Simple Icons 16 (CC0 1.0); a logo remains its owner's trademark.

use api::{Request, Response, request};
use lambda_http::Body;
use serde_json::{Map, Value, json};

use crate::assets::with_headers;

const LOGOS: &[(&str, Logo)] = include!(concat!(env!("OUT_DIR"), "/logos.rs"));

/// A day, since a logo seldom changes but its URL stays the same.
const CACHE: &str = "public, max-age=86400";

/// A path in a square of 24, filled with a colour.
struct Logo {
    colour: &'static str,
    path: &'static str,
}

fn find(provider: &str) -> Option<&'static Logo> {
    let at = LOGOS.binary_search_by(|(name, _)| (*name).cmp(provider)).ok()?;
    Some(&LOGOS.get(at)?.1)
}

/// The picture for a file name such as `github.svg`: the provider's logo, or its first letter in a
/// square.
pub fn picture(file: &str) -> Response {
    let provider = file.strip_suffix(".svg").unwrap_or(file);
    let drawing = match find(provider) {
        Some(Logo { colour, path }) => format!(r#"<path fill="{colour}" d="{path}"/>"#),
        None => monogram(provider),
    };
    let picture = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" role="img">{drawing}</svg>"#
    );
    with_headers(Body::Text(picture), "image/svg+xml", CACHE)
}

fn monogram(provider: &str) -> String {
    let letter = provider.chars().find(char::is_ascii_alphanumeric).unwrap_or('?');
    let letter = letter.to_ascii_uppercase();
    let text = r##"font-family="sans-serif" font-size="14" font-weight="700" fill="#333c97""##;
    let square = r##"<rect width="24" height="24" rx="5" fill="#e4e7fd"/>"##;
    format!(r#"{square}<text x="12" y="17" text-anchor="middle" {text}>{letter}</text>"#)
}

/// The logos for a query such as `?of=github,jira`, as JSON. Providers without a logo are left out.
pub fn of(request: &Request) -> Response {
    let query = request::query(request);
    let names = query.get("of").and_then(Value::as_str).unwrap_or_default();
    let logos: Map<_, _> = names
        .split(',')
        .filter_map(|name| {
            let Logo { colour, path } = find(name)?;
            Some((name.to_owned(), json!({ "colour": colour, "path": path })))
        })
        .collect();
    with_headers(Body::Text(Value::Object(logos).to_string()), "application/json", CACHE)
}
