//! A request to a token endpoint (RFC 6749 section 3.2): its body, and the authentication of the
//! client.

use flow::form::Form;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use outbound::Request;
use secrets::clients::Client;
use serde_json::{Map, Value};
use session::Error;
use session::provider::Provider;
use url::Url;

use crate::headers::basic;

/// A request with these parameters: a form, or JSON if the provider's file says so. The client is
/// either in the body or in an `Authorization` header, since RFC 6749 section 2.3 forbids both at
/// once.
pub fn token_request(
    provider: &Provider,
    url: Url,
    mut parameters: Form,
    client: &Client,
) -> Result<Request, Error> {
    let mut request = Request::new(Method::POST, url);
    let headers = &mut request.headers;
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if provider.has_basic_client_authentication() {
        headers.insert(AUTHORIZATION, basic(&client.id, &client.secret)?);
    } else {
        parameters.set("client_id", &client.id);
        parameters.set("client_secret", &client.secret);
    }
    let (media_type, body) = if provider.text("body_format") == Some("json") {
        let fields = parameters.into_pairs().into_iter();
        let fields: Map<_, _> = fields.map(|(name, value)| (name, Value::String(value))).collect();
        ("application/json", Value::Object(fields).to_string())
    } else {
        ("application/x-www-form-urlencoded", parameters.encoded())
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    request.body = body.into();
    Ok(request)
}
