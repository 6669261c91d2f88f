//! Tries credentials before they are saved, if the provider's file has a request for that (section
//! 4 of the flow, "Credential check").

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use outbound::{Outbound, Request};
use secrets::clients::Client;
use serde_json::Value;
use session::Error;
use session::provider::AuthMode;

use crate::headers::{basic, failed, header_name, header_value};
use crate::signed_tokens::{OAuth1, oauth1_header};
use flow::variables::Variables;

/// How many redirects a verification follows; each address is checked like the first.
const REDIRECTS_MAX: u8 = 5;

/// Tries credentials. The endpoints are called one after another, and the first 2xx is enough; any
/// other answer, or none, is the same error.
///
/// `client` signs the requests of token-based authentication.
pub async fn verify(
    outbound: &Outbound,
    variables: Variables<'_>,
    client: Option<&Client>,
    now: Timestamp,
) -> Result<(), Error> {
    let Variables { provider, connection_config, credentials } = variables;
    let Some(verification) = provider.verification() else { return Ok(()) };
    let text = |name: &str| credentials.get(name).and_then(Value::as_str).unwrap_or_default();
    let base_url = provider.base_url().unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in provider.headers().into_iter().chain(verification.headers).flatten() {
        let template = value.as_str().unwrap_or_default();
        if let Some(value) = variables.fill_optional(template)? {
            headers.insert(header_name(name)?, header_value(&value)?);
        }
    }
    if provider.auth_mode() == AuthMode::Basic {
        headers.insert(AUTHORIZATION, basic(text("username"), text("password"))?);
    }
    let method: Method = verification.method.parse().map_err(Error::internal)?;
    for endpoint in verification.endpoints {
        let url = variables.fill_url(&format!("{base_url}{endpoint}"))?;
        if provider.auth_mode() == AuthMode::Tba {
            let keys = OAuth1 {
                realm: connection_config
                    .get("accountId")
                    .and_then(Value::as_str)
                    .ok_or_else(failed)?,
                consumer: client.map(Client::keys).ok_or_else(failed)?,
                token: (text("token_id"), text("token_secret")),
            };
            let header = oauth1_header(keys, method.as_str(), &url, now)?;
            headers.insert(AUTHORIZATION, header_value(&header)?);
        }
        let request = Request {
            headers: headers.clone(),
            follow_redirects: REDIRECTS_MAX,
            ..Request::new(method.clone(), url)
        };
        if outbound.send(request).await.is_ok_and(|answer| answer.status.is_success()) {
            return Ok(());
        }
    }
    Err(failed())
}
