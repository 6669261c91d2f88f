//! The authorization endpoint: a page that asks the user (RFC 6749 section 4.1.1), and the redirect
//! back (section 4.1.2).

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
    REFERRER_POLICY,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use url::Url;
use url::form_urlencoded::parse;

use super::catalogue::{CLIENT, Outcome};
use super::grants::{Consent, Grants};

const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Without `form-action`, because browsers apply it to the redirects after a form too.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// The same for a page whose script submits its form.
const POLICY_WITH_SCRIPT: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                                  script-src 'unsafe-inline'; frame-ancestors 'none'";

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;color:#1b1b1f;background:#f4f4f7}\
main{max-width:24rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.75rem}\
h1{font-size:1.25rem;margin:0 0 1rem}form{display:flex;gap:.75rem;margin-top:1.5rem}\
button{font:inherit;min-height:2.75rem;padding:0 1.25rem;border-radius:.5rem;cursor:pointer;\
border:1px solid #1f4fd8;background:#fff;color:#1f4fd8}\
button.allow{background:#1f4fd8;color:#fff}button:focus-visible{outline:3px solid #f0a000}\
@media(prefers-color-scheme:dark){body{background:#121217;color:#ececf1}main{background:#1d1d24}\
button{background:#1d1d24;color:#a9c0ff;border-color:#a9c0ff}\
button.allow{background:#a9c0ff;color:#121217}}";

/// A valid authorization request.
struct Asked {
    outcome: Outcome,
    title: &'static str,
    redirect_uri: Url,
    parameters: HashMap<String, String>,
}

impl Asked {
    /// Reads the query. A request with a wrong client or redirect URI gets a page, not a redirect
    /// (RFC 6749 section 4.1.2.1).
    fn read(provider: &str, query: Option<&str>) -> Result<Self, Box<Response>> {
        let parameters: HashMap<_, _> =
            parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
        let (outcome, title) = Outcome::of(provider)
            .ok_or_else(|| Box::new(mistake("There is no such demo provider.")))?;
        if parameter("client_id") != CLIENT.0 {
            return Err(Box::new(mistake("The client_id is not that of the demo.")));
        }
        let redirect_uri = Url::parse(parameter("redirect_uri")).ok();
        let redirect_uri = redirect_uri.filter(|url| matches!(url.scheme(), "http" | "https"));
        let redirect_uri =
            redirect_uri.ok_or_else(|| Box::new(mistake("The redirect_uri is no URL.")))?;
        Ok(Self { outcome, title, redirect_uri, parameters })
    }

    fn parameter(&self, name: &str) -> Option<&String> {
        self.parameters.get(name)
    }
}

/// Asks the user.
pub async fn ask(Path(provider): Path<String>, RawQuery(query): RawQuery) -> Response {
    let asked = match Asked::read(&provider, query.as_deref()) {
        Ok(asked) => asked,
        Err(mistake) => return *mistake,
    };
    let title = asked.title;
    let scopes = asked.parameter("scope").map_or("", String::as_str).split(' ');
    let mut list = String::new();
    for scope in scopes.filter(|scope| !scope.is_empty()) {
        let _ = write!(list, "<li>{}</li>", escaped(scope));
    }
    let body = format!(
        "<h1>{title}</h1>\
         <p>An application at <strong>{host}</strong> asks for access to the account of \
         <strong>Ada Demo</strong>:</p><ul>{list}</ul>\
         <p>{explanation} This provider exists on this machine only.</p>\
         <form method=\"post\">\
         <button class=\"allow\" name=\"decision\" value=\"allow\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></form>",
        host = escaped(asked.redirect_uri.host_str().unwrap_or_default()),
        explanation = asked.outcome.explanation(),
    );
    let mut response = page(StatusCode::OK, title, &body, POLICY);
    if asked.outcome == Outcome::Coop {
        response.headers_mut().insert(COOP, HeaderValue::from_static("same-origin"));
    }
    response
}

/// Sends the browser back with the user's decision.
pub async fn decide(
    State(grants): State<Arc<Grants>>,
    Path(provider): Path<String>,
    RawQuery(query): RawQuery,
    body: String,
) -> Response {
    let mut asked = match Asked::read(&provider, query.as_deref()) {
        Ok(asked) => asked,
        Err(mistake) => return *mistake,
    };
    let is_allowed =
        parse(body.as_bytes()).any(|(name, value)| name == "decision" && value == "allow");
    let mut answer = if is_allowed {
        let consent = Consent {
            scope: asked.parameters.remove("scope").unwrap_or_default(),
            redirect_uri: asked.parameters.remove("redirect_uri").unwrap_or_default(),
            challenge: asked.parameters.remove("code_challenge"),
        };
        vec![("code", grants.code(consent))]
    } else {
        let description = "The user did not allow the access".to_owned();
        vec![("error", "access_denied".to_owned()), ("error_description", description)]
    };
    answer.extend(asked.parameters.remove("state").map(|state| ("state", state)));
    if asked.parameter("response_mode").is_some_and(|mode| mode == "form_post") {
        return send_by_form(&asked.redirect_uri, &answer);
    }
    asked.redirect_uri.query_pairs_mut().extend_pairs(answer);
    let location = HeaderValue::try_from(asked.redirect_uri.as_str());
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().extend(location.ok().map(|location| (LOCATION, location)));
    response
}

/// A page that posts the answer (OAuth 2.0 Form Post Response Mode section 2).
fn send_by_form(redirect_uri: &Url, answer: &[(&str, String)]) -> Response {
    let mut fields = String::new();
    for (name, value) in answer {
        let value = escaped(value);
        let _ = write!(fields, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    }
    let body = format!(
        "<h1>Going back</h1><form method=\"post\" action=\"{}\">{fields}\
         <button class=\"allow\">Continue</button></form>\
         <script>document.forms[0].submit()</script>",
        escaped(redirect_uri.as_str()),
    );
    page(StatusCode::OK, "Going back", &body, POLICY_WITH_SCRIPT)
}

/// The page for a user whose application sent a wrong request.
fn mistake(sentence: &str) -> Response {
    let body = format!("<h1>This request is not right</h1><p>{sentence}</p>");
    page(StatusCode::BAD_REQUEST, "This request is not right", &body, POLICY)
}

fn page(status: StatusCode, title: &str, body: &str, policy: &'static str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        // The query holds the state.
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (status, HeaderMap::from_iter(headers), html).into_response()
}

/// Text escaped for HTML, also within an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
