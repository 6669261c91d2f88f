//! The files of the page. The URLs of script and style contain a version, the hash of both, so
//! browsers may keep them for ever. The document refers to the version and is never kept.

use api::{Request, Response, request};
use lambda_http::Body;
use lambda_http::http::HeaderValue;
use lambda_http::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};

use crate::language;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file, plain and compressed.
struct Asset {
    plain: &'static str,
    gzip: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";

/// The headers of every answer. Any site may frame the page and show the logos.
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

/// Script or style. During a deployment a document may refer to another version than this function
/// has; then this version is answered, but browsers must not keep it under that URL.
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

/// The Content-Security-Policy (CSP level 3): only content from this origin, and the WebSocket,
/// which may have its own host, as on API Gateway. `frame-ancestors *` lets other sites frame the
/// page.
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

/// An answer with a `Cache-Control` value.
pub fn with_headers(body: Body, content_type: &'static str, cache: &'static str) -> Response {
    let mut response = Response::new(body);
    let own = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, cache)];
    for (name, value) in HEADERS.into_iter().chain(own) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
