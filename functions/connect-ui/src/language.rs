//! The language of the page: `lang` of its address, which the host sets, else the browser's.

use api::{Request, request};
use lambda_http::http::header::ACCEPT_LANGUAGE;
use serde_json::Value;

/// The languages that a request asks for, the most wanted first, without their regions.
pub fn wanted(request: &Request) -> Vec<String> {
    let own = request::query(request).remove("lang");
    let own = own.as_ref().and_then(Value::as_str).map(language);
    let accepted = request::header(request.headers(), &ACCEPT_LANGUAGE).unwrap_or_default();
    own.into_iter().chain(by_quality(&accepted)).collect()
}

/// `fr-CH, fr;q=0.9, en;q=0.8` (RFC 9110 section 12.5.4), without what is refused.
fn by_quality(accepted: &str) -> Vec<String> {
    let mut languages: Vec<_> = accepted
        .split(',')
        .map(|range| {
            let (tag, quality) = range.split_once(";q=").unwrap_or((range, "1"));
            (language(tag), quality.trim().parse::<f32>().unwrap_or(0.0))
        })
        .filter(|(_, quality)| *quality > 0.0)
        .collect();
    languages.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    languages.into_iter().map(|(language, _)| language).collect()
}

/// The primary subtag (RFC 5646 section 2.1): `de` of `de-AT`.
fn language(tag: &str) -> String {
    tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
