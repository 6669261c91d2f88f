//! What a start prints: where the service is, and how to call it.

use std::io::Write;
use std::net::SocketAddr;

use provision::Report;
use serde_json::Value;

use crate::inbox::PATH;
use crate::providers::catalogue::API_KEY;

/// Everything that a person needs for the first call.
pub struct Banner {
    /// Where the service listens.
    pub address: SocketAddr,
    /// Where the data is.
    pub data: String,
    /// Whether that is AWS.
    pub is_aws: bool,
    /// Opens the Connect UI of the demo, if that is what runs.
    pub connect_link: Option<String>,
    /// The environment document that was applied.
    pub document: Option<Value>,
    /// What that did.
    pub report: Option<Report>,
}

impl Banner {
    /// Prints it. A closed standard output is no reason not to serve.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(self.text().as_bytes()).and_then(|()| out.flush());
    }

    /// What it says.
    pub fn text(&self) -> String {
        let url = format!("http://{}", self.address);
        let key = self.secret_key();
        let (integration, connection) = self.connection();
        let webhooks = self.webhooks(&url);
        let mut new_keys = String::new();
        for key in self.report.iter().flat_map(|report| &report.secrets) {
            let (name, environment, secret) = (&key.name, &key.environment, &key.secret);
            let line =
                format!("  new key     {name} of {environment}: {secret} (not shown again)\n");
            new_keys.push_str(&line);
        }
        let link = self.connect_link.as_ref().map_or_else(String::new, |link| {
            format!(
                "\nOpen this in a browser, choose Demo OAuth, and allow it (the key of Demo API key is \
                 {API_KEY}):\n\n{link}\n\n\
                 Then the log has the webhook with the session's tags, and this reads the newest \
                 connection with its token:\n\n{}\n",
                read_newest(&url, &key)
            )
        });
        let json = "-H 'Content-Type: application/json'";
        format!(
            r#"connect-sessions
  url         {url}
  data        {data}
  secret key  {key}
{webhooks}{new_keys}{link}
Create a session, read it, make one that reconnects, and end the first; paste these in order:

TOKEN=$(curl -s {url}/connect/sessions -H "Authorization: Bearer {key}" {json} -d '{{"end_user":{{"id":"u1","email":"ada@example.com"}},"tags":{{"plan":"pro"}}}}' | sed -E 's/.*"token":"([^"]+)".*/\1/'); echo "$TOKEN"
curl -s {url}/connect/session -H "Authorization: Bearer $TOKEN"
curl -s {url}/connect/sessions/reconnect -H "Authorization: Bearer {key}" {json} -d '{{"connection_id":"{connection}","integration_id":"{integration}"}}'
curl -s -i -X DELETE {url}/connect/session -H "Authorization: Bearer $TOKEN"

Ctrl-C stops it.
"#,
            data = self.data,
        )
    }

    /// A secret key that this start knows; the database has only hashes. One that opens an
    /// environment at AWS is not for a terminal's history: there, whoever calls knows it.
    fn secret_key(&self) -> String {
        if self.is_aws {
            return "$SECRET_KEY".to_owned();
        }
        let given = self.document.as_ref().and_then(|document| {
            let mut keys = (document["environments"].as_array()?.iter()).flat_map(|environment| {
                environment["secret_keys"].as_array().into_iter().flatten()
            });
            keys.find_map(|key| key["secret"].as_str())
        });
        let generated = || {
            self.report
                .as_ref()?
                .secrets
                .iter()
                .find(|key| !key.name.contains('/'))
                .map(|key| key.secret.as_str())
        };
        given.or_else(generated).unwrap_or("$SECRET_KEY").to_owned()
    }

    /// Where webhooks can be seen, and the key that signs them if this start knows it.
    fn webhooks(&self, url: &str) -> String {
        if self.is_aws {
            return String::new();
        }
        let key = self.document.as_ref().and_then(|document| {
            let mut environments = document["environments"].as_array()?.iter();
            environments.find_map(|environment| environment["webhooks"]["signing_key"].as_str())
        });
        let key = key.map(|key| format!("  signing key {key}\n")).unwrap_or_default();
        format!("  webhooks    {url}{PATH}\n{key}")
    }

    /// A connection of the document, as integration and id.
    fn connection(&self) -> (String, String) {
        let first = self.document.as_ref().and_then(|document| {
            let mut connections =
                (document["environments"].as_array()?.iter()).flat_map(|environment| {
                    environment["connections"].as_array().into_iter().flatten()
                });
            let connection = connections.next()?;
            Some((connection["integration_id"].as_str()?, connection["connection_id"].as_str()?))
        });
        let (integration, id) = first.unwrap_or(("github", "conn-1"));
        (integration.to_owned(), id.to_owned())
    }
}

/// The command that finds the newest connection and reads it.
fn read_newest(url: &str, key: &str) -> String {
    let key = format!(r#"-H "Authorization: Bearer {key}""#);
    format!(
        r#"NEWEST=$(curl -s "{url}/connections?limit=1" {key} | sed -E 's/.*"connection_id":"([^"]+)".*"provider_config_key":"([^"]+)".*/\1?provider_config_key=\2/'); curl -s "{url}/connections/$NEWEST" {key}"#
    )
}
