//! Reads body, content type, query and path of a request (contract sections 0, 5.1 and 5.2).

use std::borrow::Cow;

use lambda_http::RequestExt;
use lambda_http::http::HeaderMap;
use lambda_http::http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING,
};
use serde_json::{Map, Value};
use session::Error;
use session::connection::ConnectionId;
use session::error::BODY_LENGTH_MAX;
use session::fields::{Fields, Issues};
use session::{json, query};

use crate::event::BASE_URL;

/// A request, as `lambda_http` makes it from an API Gateway event.
pub type Request = lambda_http::Request;

/// The first checks of every endpoint: refuses a content type other than JSON and a malformed body.
/// `None` if no body was sent, or no content type.
pub fn body(request: &Request) -> Result<Option<Value>, Error> {
    let Some(content_type) = header(request.headers(), &CONTENT_TYPE).filter(|t| !t.is_empty())
    else {
        return Ok(None);
    };
    let (media_type, parameters) = parts(&content_type);
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Error::InvalidContentType);
    }
    let body = json_body(request, parameters)?;
    // The recorded service first parses whatever its parser accepts as JSON, then compares the text
    // of the media type. So `Application/JSON` with an invalid body is `invalid_json`.
    if media_type != "application/json" {
        return Err(Error::InvalidContentType);
    }
    Ok(body)
}

/// The body of an endpoint that takes JSON or, as OAuth clients send it, a form. A body of another
/// type is read as an empty one; `None` is a body that was not sent, or without a content type.
pub fn body_or_form(request: &Request) -> Result<Option<Value>, Error> {
    let Some(content_type) = header(request.headers(), &CONTENT_TYPE).filter(|t| !t.is_empty())
    else {
        return Ok(None);
    };
    let (media_type, parameters) = parts(&content_type);
    match media_type.to_ascii_lowercase().as_str() {
        "application/json" => json_body(request, parameters),
        "application/x-www-form-urlencoded" => {
            let text = text(request, parameters)?.unwrap_or_default();
            let fields = url::form_urlencoded::parse(text.as_bytes());
            let field = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
                (name.into_owned(), Value::String(value.into_owned()))
            };
            Ok(Some(Value::Object(fields.map(field).collect())))
        }
        _ => Ok(Some(Value::Object(Map::new()))),
    }
}

/// The route that API Gateway chose, for example `POST /connect/sessions`.
pub fn route_key(request: &Request) -> String {
    use lambda_http::request::RequestContext;
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.route_key.clone().unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Whether a browser navigates, so that it shows the answer as a page (Fetch Metadata Request
/// Headers, section 2.2; for older browsers, the `Accept` header decides).
pub fn is_navigation(request: &Request) -> bool {
    let text = |name: &HeaderName| header(request.headers(), name).unwrap_or_default();
    match text(&HeaderName::from_static("sec-fetch-mode")).as_ref() {
        "" => text(&ACCEPT).contains("text/html"),
        mode => mode == "navigate",
    }
}

/// The URL of this API through which the request came, without a trailing slash.
pub fn base_url(request: &Request) -> String {
    let known = header(request.headers(), &BASE_URL);
    known.map_or_else(|| "https://localhost".to_owned(), Cow::into_owned)
}

/// A parameter of the route, such as `uniqueKey` of `GET /integrations/{uniqueKey}`, decoded by API
/// Gateway.
pub fn path_parameter(request: &Request, name: &str) -> Option<String> {
    Some(request.path_parameters_ref()?.first(name)?.to_owned())
}

/// The connection that the path names.
pub fn connection_id(request: &Request) -> Result<ConnectionId, Error> {
    let mut issues = Issues::default();
    let text = path_parameter(request, "connectionId").map(Value::String);
    let id = issues.within("connectionId", |issues| ConnectionId::read(text, issues));
    issues.finish(id).map_err(Error::InvalidUriParams)
}

/// The whole query.
pub fn query(request: &Request) -> Map<String, Value> {
    query::parse(request.uri().query().unwrap_or_default())
}

/// Reads the query with `read`, and collects all issues.
pub fn read_query<T>(
    request: &Request,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Result<T, Error> {
    let mut issues = Issues::default();
    let query = Value::Object(query(request));
    let value = Fields::of(Some(query), &mut issues).and_then(|mut fields| {
        let value = read(&mut fields);
        fields.finish();
        value
    });
    issues.finish(value).map_err(Error::InvalidQueryParams)
}

/// Refuses every query parameter.
pub fn no_query(request: &Request) -> Result<(), Error> {
    read_query(request, |_| Some(()))
}

/// Refuses every body but an empty one or `{}`.
pub fn no_body(body: Option<Value>) -> Result<(), Error> {
    let Some(body) = body else { return Ok(()) };
    let mut issues = Issues::default();
    let value = Fields::of(Some(body), &mut issues).map(Fields::finish);
    issues.finish(value).map_err(Error::InvalidBody)
}

/// A header's value without the blanks around it (RFC 9110 section 5.5).
pub fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let value = headers.get(name)?.as_bytes().trim_ascii();
    Some(String::from_utf8_lossy(value))
}

/// Media type and parameters of a content type.
fn parts(content_type: &str) -> (&str, &str) {
    match content_type.split_once(';') {
        Some((media_type, parameters)) => (media_type.trim_end(), parameters),
        None => (content_type, ""),
    }
}

fn json_body(request: &Request, parameters: &str) -> Result<Option<Value>, Error> {
    let Some(text) = text(request, parameters)? else { return Ok(None) };
    match text.strip_prefix('\u{feff}').unwrap_or(&text) {
        // A body of length zero is an empty object; no body at all is absent.
        "" => Ok(Some(Value::Object(Map::new()))),
        text => parse(text).map(Some),
    }
}

/// The body as text. `None` was not sent.
fn text<'a>(request: &'a Request, parameters: &str) -> Result<Option<Cow<'a, str>>, Error> {
    let bytes: &[u8] = request.body();
    let has_length =
        [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| request.headers().contains_key(name));
    if bytes.is_empty() && !has_length {
        return Ok(None);
    }
    if !charset(parameters).eq_ignore_ascii_case("utf-8") {
        return Err(Error::UnsupportedCharset);
    }
    let encoding = header(request.headers(), &CONTENT_ENCODING);
    if encoding.is_some_and(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
        return Err(Error::UnsupportedContentEncoding);
    }
    if bytes.len() > BODY_LENGTH_MAX {
        return Err(Error::PayloadTooLarge);
    }
    // Invalid bytes become U+FFFD, which is longer than the byte that it replaces.
    let text = String::from_utf8_lossy(bytes);
    if text.len() > BODY_LENGTH_MAX {
        return Err(Error::PayloadTooLarge);
    }
    Ok(Some(text))
}

/// The text as a JSON object or array. A lone surrogate is an error, since it is not Unicode.
fn parse(text: &str) -> Result<Value, Error> {
    let value = json::parse(text)
        .map_err(|problem| Error::InvalidJson(format!("Request body is not JSON: {problem}")))?;
    match value {
        // When stored, a number can be longer than it was sent: 1e15 has 16 digits.
        _ if text.len() > BODY_LENGTH_MAX / 4 && value.to_string().len() > BODY_LENGTH_MAX => {
            Err(Error::PayloadTooLarge)
        }
        Value::Object(_) | Value::Array(_) => Ok(value),
        _ => Err(Error::InvalidJson(
            "Request body must be a JSON object: expected `{` at line 1 column 1".to_owned(),
        )),
    }
}

/// The `charset` of a content type; JSON is UTF-8 unless it says otherwise (RFC 8259 section 8.1).
fn charset(parameters: &str) -> &str {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'))
        .filter(|charset| !charset.is_empty())
        .unwrap_or("utf-8")
}
