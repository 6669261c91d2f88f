//! The files of the page. Script and style are found under a version, a hash of both, and may be
//! kept for ever; the document names the version, and is never kept.

use api::{Request, Response, request};
use lambda_http::Body;
use lambda_http::http::HeaderValue;
use lambda_http::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};

use crate::language;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file, as it is and compressed.
struct Asset {
    plain: &'static str,
    gzip: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";

/// What every answer carries. Pages of any site may frame the page and show the marks.
const HEADERS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=5184000; includeSubDomains"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
];

/// The document, in the language that the request asks for.
pub fn document(request: &Request, websockets_path: &str) -> Response {
    let wanted = language::wanted(request);
    let mut known = wanted.iter().filter_map(|wanted| DOCUMENTS.iter().find(|d| d.0 == wanted));
    let (_, document) = known.next().unwrap_or(&DOCUMENTS[0]);
    let mut response = answer(request, document, HTML, "no-store");
    let policy = HeaderValue::from_str(&policy(websockets_path));
    let policy = policy.unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// Script or style. A version that is not this one's is another function's, during a deployment:
/// it is answered, and not kept under that name.
pub fn file(request: &Request, path: &str) -> Option<Response> {
    let (version, name) = path.split_once('/')?;
    let (asset, content_type) = match name {
        "app.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        "style.css" => (STYLE, "text/css; charset=utf-8"),
        _ => return None,
    };
    let is_ours = version == VERSION;
    let cache = if is_ours { "public, max-age=31536000, immutable" } else { "no-store" };
    Some(answer(request, &asset, content_type, cache))
}

/// Nothing but what comes from here (CSP level 3). The socket may have a host of its own, as API
/// Gateway's has. `frame-ancestors` is what makes this page one for frames of other sites.
fn policy(websockets_path: &str) -> String {
    let host = websockets_path.strip_prefix("//").and_then(|rest| rest.split('/').next());
    let socket = host.map(|host| format!(" wss://{host}")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
         connect-src 'self'{socket}; base-uri 'none'; form-action 'none'; frame-ancestors *"
    )
}

fn answer(
    request: &Request,
    asset: &Asset,
    content_type: &'static str,
    cache: &'static str,
) -> Response {
    let accepted = request::header(request.headers(), &ACCEPT_ENCODING).unwrap_or_default();
    let is_compressed = accepted.split(',').any(|coding| coding.trim().starts_with("gzip"));
    let body = if is_compressed { asset.gzip.into() } else { asset.plain.into() };
    let mut response = with_headers(body, content_type, cache);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_compressed {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// An answer that browsers may keep for as long as `cache` says.
pub fn with_headers(body: Body, content_type: &'static str, cache: &'static str) -> Response {
    let mut response = Response::new(body);
    let own = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, cache)];
    for (name, value) in HEADERS.into_iter().chain(own) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
