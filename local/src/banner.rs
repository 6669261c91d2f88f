//! The text that is printed at the start: where the service is, and how to call it.

use std::io::Write;
use std::net::SocketAddr;

use provision::Report;
use serde_json::Value;

use crate::inbox::PATH;
use crate::providers::catalogue::API_KEY;

/// Stands for a secret key that this start does not know.
const UNKNOWN_KEY: &str = "$SECRET_KEY";

/// Everything that a person needs to make the first call.
pub struct Banner {
    /// Where the service listens.
    pub address: SocketAddr,
    /// Where the data is kept.
    pub data: String,
    /// Whether it is kept on AWS.
    pub is_aws: bool,
    /// The link that opens the Connect UI, if the demo environment runs.
    pub connect_link: Option<String>,
    /// The environment document that was applied.
    pub document: Option<Value>,
    /// What applying it changed.
    pub report: Option<Report>,
}

impl Banner {
    /// Prints the text. Errors are ignored, since the service can run without a standard output.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(self.text().as_bytes()).and_then(|()| out.flush());
    }

    /// The text.
    pub fn text(&self) -> String {
        let url = format!("http://{}", self.address);
        let key = self.secret_key();
        let note = match key.as_str() {
            UNKNOWN_KEY => " (only the hash is stored: set this variable to your key)",
            _ => "",
        };
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
                "\nOpen this link in a browser, choose Demo OAuth, and allow it (for Demo API key, \
                 enter {API_KEY}):\n\n{link}\n\n\
                 The log then shows the webhook with the session's tags, and this command reads \
                 the newest connection with its token:\n\n{}\n",
                read_newest(&url, &key)
            )
        });
        let json = "-H 'Content-Type: application/json'";
        let reconnect = self.connection().map_or_else(String::new, |(integration, connection)| {
            format!(
                r#"curl -s {url}/connect/sessions/reconnect -H "Authorization: Bearer {key}" {json} -d '{{"connection_id":"{connection}","integration_id":"{integration}"}}'
"#
            )
        });
        let also = if reconnect.is_empty() { "" } else { ", create one that reconnects" };
        format!(
            r#"connect-sessions
  url         {url}
  data        {data}
  secret key  {key}{note}
{webhooks}{new_keys}{link}
Create a session, read it{also}, and end the first; paste these commands in order:

TOKEN=$(curl -s {url}/connect/sessions -H "Authorization: Bearer {key}" {json} -d '{{"end_user":{{"id":"u1","email":"ada@example.com"}},"tags":{{"plan":"pro"}}}}' | sed -E 's/.*"token":"([^"]+)".*/\1/'); echo "$TOKEN"
curl -s {url}/connect/session -H "Authorization: Bearer $TOKEN"
{reconnect}curl -s -i -X DELETE {url}/connect/session -H "Authorization: Bearer $TOKEN"

Ctrl-C stops it.
"#,
            data = self.data,
        )
    }

    /// A secret key that this start knows, since the database has only hashes. A key for an
    /// environment on AWS is never printed, because terminals keep a history.
    fn secret_key(&self) -> String {
        if self.is_aws {
            return UNKNOWN_KEY.to_owned();
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
        given.or_else(generated).unwrap_or(UNKNOWN_KEY).to_owned()
    }

    /// The inbox, and the key that signs webhooks if this start knows it.
    fn webhooks(&self, url: &str) -> String {
        if self.is_aws {
            return String::new();
        }
        let key = self.document.as_ref().and_then(|document| {
            let mut environments = document["environments"].as_array()?.iter();
            environments.find_map(|environment| environment["webhooks"]["signing_key"].as_str())
        });
        let key = key.map(|key| format!("  signing key {key}\n")).unwrap_or_default();
        // A document of the operator's own may send its webhooks anywhere.
        let note = if self.connect_link.is_some() { "" } else { " (to use as primary_url)" };
        format!("  webhooks    {url}{PATH}{note}\n{key}")
    }

    /// The first connection of the document, as integration and id.
    fn connection(&self) -> Option<(&str, &str)> {
        let environments = self.document.as_ref()?["environments"].as_array()?;
        let connection = environments.iter().find_map(|environment| {
            environment["connections"].as_array()?.iter().find(|one| one["state"] != "absent")
        })?;
        Some((connection["integration_id"].as_str()?, connection["connection_id"].as_str()?))
    }
}

/// The command that finds the newest connection and reads it.
fn read_newest(url: &str, key: &str) -> String {
    let key = format!(r#"-H "Authorization: Bearer {key}""#);
    format!(
        r#"NEWEST=$(curl -s "{url}/connections?limit=1" {key} | sed -E 's/.*"connection_id":"([^"]+)".*"provider_config_key":"([^"]+)".*/\1?provider_config_key=\2/'); curl -s "{url}/connections/$NEWEST" {key}"#
    )
}
