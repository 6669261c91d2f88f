//! The query and the path of the connect endpoints (section 4 of the flow).

use api::{Error, Request, request};
use serde_json::{Map, Value};
use session::connection::ConnectionId;
use session::fields::{Fields, Issues};
use session::integration::IntegrationKey;

/// The parameters of the query besides the session token; unknown names are ignored.
pub struct Parameters {
    /// `params[…]`: values for the provider's template. Strings only.
    pub params: Map<String, Value>,
    names_connection: bool,
}

impl Parameters {
    /// Reads the query.
    pub fn read(query: Map<String, Value>) -> Result<Self, Error> {
        let mut issues = Issues::default();
        let parameters = Fields::of(Some(Value::Object(query)), &mut issues).map(|mut fields| {
            let connection_id = fields.optional("connection_id", ConnectionId::read);
            let params = fields
                .optional("params", |value, issues| Fields::of(value, issues).map(Fields::rest));
            let params = of_connection(params.unwrap_or_default());
            Self { params, names_connection: connection_id.is_some() }
        });
        issues.finish(parameters).map_err(Error::InvalidQueryParams)
    }

    /// Reads the query of an endpoint that does not validate it: `params` that are not an object
    /// and an empty `connection_id` are ignored.
    pub fn read_leniently(mut query: Map<String, Value>) -> Self {
        let names_connection = query.get("connection_id").is_some_and(|id| *id != "");
        let params = match query.shift_remove("params") {
            Some(Value::Object(params)) => params,
            _ => Map::new(),
        };
        Self { params: of_connection(params), names_connection }
    }

    /// Refuses `connection_id`: the session decides which connection is made, not the browser.
    pub fn refuse_connection_id(&self) -> Result<(), Error> {
        let mut issues = Issues::default();
        if self.names_connection {
            let message = "connection_id is forbidden when using session token";
            issues.push_at(&["connection_id"], "custom", message);
        }
        issues.finish(Some(())).map_err(Error::InvalidQueryParams)
    }
}

/// The parameters that become a connection's configuration.
fn of_connection(mut params: Map<String, Value>) -> Map<String, Value> {
    params.retain(|name, value| name != "webhook_url" && value.is_string());
    params
}

/// The integration that the path names.
pub fn integration_key(request: &Request) -> Result<IntegrationKey, Error> {
    let mut issues = Issues::default();
    let text = request::path_parameter(request, "providerConfigKey").map(Value::String);
    let key = issues.within("providerConfigKey", |issues| IntegrationKey::read(text, issues));
    issues.finish(key).map_err(Error::InvalidUriParams)
}
