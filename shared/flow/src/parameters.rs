//! The query and the path of the connect endpoints (section 4 of the flow).

use api::{Error, Request, request};
use serde_json::{Map, Value};
use session::connection::ConnectionId;
use session::fields::{Fields, Issues};
use session::integration::IntegrationKey;

/// What the query carries besides the session token; unknown names are ignored.
pub struct Parameters {
    /// `params[…]`: values that the provider's templates need. Strings only.
    pub params: Map<String, Value>,
    connection_id: Option<ConnectionId>,
}

impl Parameters {
    /// Reads the query.
    pub fn read(query: Map<String, Value>) -> Result<Self, Error> {
        let mut issues = Issues::default();
        let parameters = Fields::of(Some(Value::Object(query)), &mut issues).map(|mut fields| {
            let connection_id = fields.optional("connection_id", ConnectionId::read);
            let params = fields
                .optional("params", |value, issues| Fields::of(value, issues).map(Fields::rest));
            let mut params = params.unwrap_or_default();
            params.retain(|name, value| name != "webhook_url" && value.is_string());
            Self { params, connection_id }
        });
        issues.finish(parameters).map_err(Error::InvalidQueryParams)
    }

    /// Reads the query; `params` that are no object are ignored.
    pub fn read_leniently(mut query: Map<String, Value>) -> Result<Self, Error> {
        if !query.get("params").is_some_and(Value::is_object) {
            query.shift_remove("params");
        }
        Self::read(query)
    }

    /// A session says which connection is made, so its browser may not.
    pub fn refuse_connection_id(&self) -> Result<(), Error> {
        let mut issues = Issues::default();
        if self.connection_id.is_some() {
            let message = "connection_id is forbidden when using session token";
            issues.push_at(&["connection_id"], "custom", message);
        }
        issues.finish(Some(())).map_err(Error::InvalidQueryParams)
    }
}

/// The integration that the path names.
pub fn integration_key(request: &Request) -> Result<IntegrationKey, Error> {
    let mut issues = Issues::default();
    let text = request::path_parameter(request, "providerConfigKey").map(Value::String);
    let key = issues.within("providerConfigKey", |issues| IntegrationKey::read(text, issues));
    issues.finish(key).map_err(Error::InvalidUriParams)
}
