//! A request to a token endpoint (RFC 6749 section 3.2): its body, and how the client proves itself
//! there.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use outbound::Request;
use serde_json::{Map, Value};
use session::Error;
use session::provider::Provider;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::clients::Client;
use crate::headers::basic;

/// The parameters of a token request, in the order in which they are sent. Printed, it shows none.
#[derive(Default)]
pub struct TokenParameters(Vec<(String, String)>);

impl TokenParameters {
    /// Sets a parameter: in the place of one of this name, else at the end.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value.into(),
            None => self.0.push((name.to_owned(), value.into())),
        }
    }

    /// The request: a form, or JSON where the provider's file says so, and the client either in the
    /// body or in an `Authorization` header. RFC 6749 section 2.3 forbids to use both.
    pub fn into_request(
        mut self,
        provider: &Provider,
        url: Url,
        client: &Client,
    ) -> Result<Request, Error> {
        let mut request = Request::new(Method::POST, url);
        let headers = &mut request.headers;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if provider.has_basic_client_authentication() {
            headers.insert(AUTHORIZATION, basic(&client.id, &client.secret)?);
        } else {
            self.set("client_id", &client.id);
            self.set("client_secret", &client.secret);
        }
        let (media_type, body) = if provider.text("body_format") == Some("json") {
            let fields = self.0.into_iter().map(|(name, value)| (name, Value::String(value)));
            ("application/json", Value::Object(fields.collect::<Map<_, _>>()).to_string())
        } else {
            let form = Serializer::new(String::new()).extend_pairs(&self.0).finish();
            ("application/x-www-form-urlencoded", form)
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        request.body = body.into();
        Ok(request)
    }
}

impl std::fmt::Debug for TokenParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
