//! Integrations, the providers that an environment defines, and connections.

use serde_json::{Map, Value};
use session::connection::{Connection, ConnectionId};
use session::end_user::EndUser;
use session::integration::{IntegrationClient, IntegrationKey};
use session::refresh::RefreshState;
use tables::record::{CLIENT_SECRET, Key, Record, Stored};
use tables::transaction::Change;

use crate::document::{
    ClientDocument, ConnectionDocument, EnvironmentDocument, IntegrationDocument,
};
use crate::document_parts::Patch;
use crate::planner::{Effect, Planner, Step};
use crate::report::{Cause, Failure};

impl Planner<'_> {
    /// Plans a provider that the environment defines; `index` is its position in the document.
    pub async fn provider(
        &mut self,
        index: usize,
        name: &str,
        template: Option<&Map<String, Value>>,
        document: &EnvironmentDocument,
    ) -> Result<(), Failure> {
        let label = self.label(&["providers", name]);
        let key = Key::provider(self.id(), name);
        if let Some(template) = template {
            let text = Value::Object(template.clone()).to_string();
            self.upsert(label, key, Record::Provider(text));
        } else if let Some(integration) = self.integration_of(name, document).await? {
            let message = format!(
                "Integration {integration} uses this provider: remove it or give it another one"
            );
            self.refuse(&["providers", &index.to_string(), "state"], message);
        } else {
            self.remove(label, key, Vec::new());
        }
        Ok(())
    }

    /// The name of an integration that uses the provider and that the document does not change.
    async fn integration_of(
        &self,
        provider: &str,
        document: &EnvironmentDocument,
    ) -> Result<Option<String>, Failure> {
        let mut found = None;
        let tables = self.tables;
        let each = |key: Key, stored: Stored| {
            let named =
                document.integrations.iter().any(|(other, _)| other.as_str() == key.label());
            match stored.record {
                Record::Integration { provider: own, .. } if own == provider && !named => {
                    found = Some(key.label().to_owned());
                }
                _ => {}
            }
            found.is_none()
        };
        tables.environment_items(self.id(), each).await?;
        Ok(found)
    }

    /// Plans an integration; `index` is its position in the document.
    pub async fn integration(
        &mut self,
        index: usize,
        unique_key: &IntegrationKey,
        desired: &IntegrationDocument,
        document: &EnvironmentDocument,
    ) -> Result<(), Failure> {
        let label = self.label(&["integrations", unique_key.as_str()]);
        let key = Key::integration(self.id(), unique_key);
        let provider = desired.provider.clone();
        if !self.has_provider(&provider, document) {
            let path = ["integrations", &index.to_string(), "provider"];
            self.refuse(&path, "Provider does not exist: add it to `providers`");
            return Ok(());
        }
        let (display_name, client) = match self.found.get(&key).map(|stored| &stored.record) {
            Some(Record::Integration { display_name, client, .. }) => {
                (display_name.clone(), client.clone())
            }
            _ => (None, None),
        };
        let display_name = desired.display_name.apply(display_name);
        let client = match &desired.client {
            Some(desired) => Some(self.client(&key, desired, client.unwrap_or_default()).await?),
            None => client,
        };
        self.upsert(label, key, Record::Integration { provider, display_name, client });
        Ok(())
    }

    fn has_provider(&self, name: &str, document: &EnvironmentDocument) -> bool {
        if catalogue::template(name).is_some() {
            return true;
        }
        let named = document.providers.iter().find(|(known, _)| known == name);
        match named {
            Some((_, template)) => template.is_some(),
            None => self.found.contains_key(&Key::provider(self.id(), name)),
        }
    }

    async fn client(
        &self,
        key: &Key,
        desired: &ClientDocument,
        stored: IntegrationClient,
    ) -> Result<IntegrationClient, Failure> {
        let client_secret = match &desired.client_secret {
            Some(secret) => {
                let stored = stored.client_secret.as_ref();
                Some(self.sealed(key, CLIENT_SECRET, &secret.0, stored).await?)
            }
            None => stored.client_secret,
        };
        Ok(IntegrationClient {
            client_id: desired.client_id.clone().or(stored.client_id),
            client_secret,
            scopes: desired.scopes.clone().or(stored.scopes),
        })
    }

    /// Plans the removal of an integration with its connections.
    pub async fn remove_integration(&mut self, unique_key: &IntegrationKey) -> Result<(), Failure> {
        let label = self.label(&["integrations", unique_key.as_str()]);
        let tables = self.tables;
        for (key, id) in tables.connection_ids(self.id(), Some(unique_key)).await? {
            let changes = vec![Change::DeleteConnection(key, id)];
            self.plan.steps.push(Step { changes, effect: None, secret: None });
        }
        self.remove(label, Key::integration(self.id(), unique_key), Vec::new());
        Ok(())
    }

    /// Plans a connection; `index` is its position in the document.
    pub fn connection(
        &mut self,
        index: usize,
        integration: &IntegrationKey,
        id: &ConnectionId,
        desired: Option<&ConnectionDocument>,
        document: &EnvironmentDocument,
    ) -> Result<(), Failure> {
        let label = self.label(&["connections", integration.as_str(), id.as_str()]);
        let found = self.connections.iter().find(|connection| {
            connection.integration_id == *integration && connection.connection_id == *id
        });
        let Some(desired) = desired else {
            match found {
                Some(_) => {
                    let change = Change::DeleteConnection(integration.clone(), id.clone());
                    self.step(Effect::Removed, label, vec![change]);
                }
                None => self.plan.unchanged.push(label),
            }
            return Ok(());
        };
        let Some(provider) = self.provider_of(integration, document) else {
            let path = ["connections", &index.to_string(), "integration_id"];
            self.refuse(&path, "Integration does not exist");
            return Ok(());
        };
        let (end_user, tags) = match found {
            Some(found) => (found.end_user.clone(), found.tags.clone()),
            None => Default::default(),
        };
        let organization = end_user.as_ref().and_then(|end_user| end_user.organization.clone());
        let organization = desired.organization.apply(organization);
        let end_user = desired.end_user.apply(end_user);
        if end_user.is_none() && matches!(desired.organization, Patch::Set(_)) {
            let path = ["connections", &index.to_string(), "organization"];
            self.refuse(&path, "An organization needs an end user");
            return Ok(());
        }
        let end_user = end_user.map(|end_user| EndUser { organization, ..end_user });
        let tags = desired.tags.clone().unwrap_or(tags);
        if found.is_some_and(|found| found.end_user == end_user && found.tags == tags) {
            self.plan.unchanged.push(label);
            return Ok(());
        }
        let number = Connection::random_number();
        let number = number.map_err(|e| Failure::before_writing(Cause::Kms(e.to_string())))?;
        let change = Change::SetConnection(Box::new(Connection {
            number,
            connection_id: id.clone(),
            integration_id: integration.clone(),
            provider,
            end_user,
            tags,
            metadata: Some(Map::new()),
            connection_config: Map::new(),
            webhook_url_override: None,
            created_at: self.now,
            updated_at: self.now,
            credentials: None,
            refresh: RefreshState::default(),
        }));
        let effect = if found.is_some() { Effect::Changed } else { Effect::Created };
        self.step(effect, label, vec![change]);
        Ok(())
    }

    /// The provider of an integration that exists, or that the document creates.
    fn provider_of(
        &self,
        integration: &IntegrationKey,
        document: &EnvironmentDocument,
    ) -> Option<String> {
        let named = document.integrations.iter().find(|(key, _)| key == integration);
        if let Some((_, content)) = named {
            return content.as_ref().map(|content| content.provider.clone());
        }
        match &self.found.get(&Key::integration(self.id(), integration))?.record {
            Record::Integration { provider, .. } => Some(provider.clone()),
            _ => None,
        }
    }
}
