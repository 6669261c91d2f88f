//! The JSON bodies of create and reconnect (contract sections 1.1 to 1.4 and 2).

use serde_json::Value;

use crate::connections::connection::ConnectionId;
use crate::connections::end_user::{EndUser, Organization};
use crate::connections::tags::Tags;
use crate::connections::webhook_url;
use crate::environments::integration::{
    ConfigDefaults, IntegrationKey, Override, PerIntegration, per_integration,
};
use crate::error::Error;
use crate::input::fields::{Fields, Issues, array};

/// The body of `POST /connect/sessions`.
#[derive(Debug)]
pub struct CreateSession {
    /// Integrations that the end user may connect; empty means all.
    pub allowed_integrations: Vec<IntegrationKey>,
    /// The fields of both bodies.
    pub fields: SessionFields,
}

/// The body of `POST /connect/sessions/reconnect`.
#[derive(Debug)]
pub struct ReconnectSession {
    /// The connection to authorize again.
    pub connection_id: ConnectionId,
    /// Its integration.
    pub integration_id: IntegrationKey,
    /// The fields of both bodies.
    pub fields: SessionFields,
}

/// The fields that both bodies have.
#[derive(Debug)]
pub struct SessionFields {
    /// The person who is connecting.
    pub end_user: Option<EndUser>,
    /// Their organization.
    pub organization: Option<Organization>,
    /// Defaults for connections, by integration.
    pub integrations_config_defaults: Option<PerIntegration<ConfigDefaults>>,
    /// What the Connect UI shows instead of an integration's own texts.
    pub overrides: Option<PerIntegration<Override>>,
    /// The receiver of the connection's webhooks.
    pub webhook_url_override: Option<String>,
    /// The customer's own tags.
    pub tags: Option<Tags>,
}

impl CreateSession {
    /// Reads the body. `end_user` is required unless `tags` is sent instead.
    pub fn read(body: Option<Value>) -> Result<Self, Error> {
        let mut issues = Issues::default();
        let value = Fields::of(body, &mut issues).map(|mut fields| {
            let end_user = if fields.has("tags") && !fields.has("end_user") {
                None
            } else {
                fields.required("end_user", EndUser::read)
            };
            let organization = fields.optional("organization", Organization::read);
            let allowed_integrations = fields.optional("allowed_integrations", |value, issues| {
                array(value, issues, IntegrationKey::read)
            });
            let trailing = TrailingFields::take(&mut fields);
            fields.finish();
            let allowed_integrations = allowed_integrations.unwrap_or_default();
            (allowed_integrations, end_user, organization, trailing)
        });
        let (allowed_integrations, end_user, organization, trailing) =
            issues.finish(value).map_err(Error::InvalidBody)?;
        Ok(Self { allowed_integrations, fields: trailing.into_fields(end_user, organization)? })
    }
}

impl ReconnectSession {
    /// Reads the body. Everything but the connection may be left out.
    pub fn read(body: Option<Value>) -> Result<Self, Error> {
        let mut issues = Issues::default();
        let value = Fields::of(body, &mut issues).and_then(|mut fields| {
            let connection_id = fields.required("connection_id", ConnectionId::read);
            let integration_id = fields.required("integration_id", IntegrationKey::read);
            let end_user = fields.optional("end_user", EndUser::read);
            let organization = fields.optional("organization", Organization::read);
            let trailing = TrailingFields::take(&mut fields);
            fields.finish();
            Some((connection_id?, integration_id?, end_user, organization, trailing))
        });
        let (connection_id, integration_id, end_user, organization, trailing) =
            issues.finish(value).map_err(Error::InvalidBody)?;
        let fields = trailing.into_fields(end_user, organization)?;
        Ok(Self { connection_id, integration_id, fields })
    }
}

impl SessionFields {
    /// The integrations that the two maps name, with their paths, in the contract's order.
    pub fn integrations(&self) -> impl Iterator<Item = ([String; 2], &IntegrationKey)> {
        let at = |field: &str, key: &IntegrationKey| [field.to_owned(), key.as_str().to_owned()];
        let defaults = self.integrations_config_defaults.iter().flat_map(PerIntegration::keys);
        let overrides = self.overrides.iter().flat_map(PerIntegration::keys);
        defaults
            .map(move |key| (at("integrations_config_defaults", key), key))
            .chain(overrides.map(move |key| (at("overrides", key), key)))
    }

    /// Whether a documentation link is replaced, which an environment may forbid.
    pub fn overrides_docs_link(&self) -> bool {
        let links =
            self.overrides.iter().flatten().filter_map(|(_, entry)| entry.docs_connect.as_ref());
        links.into_iter().any(|link| !link.is_empty())
    }
}

impl CreateSession {
    /// Every integration that the body names, with its path, in the contract's order.
    pub fn integrations(&self) -> impl Iterator<Item = ([String; 2], &IntegrationKey)> {
        let allowed = self.allowed_integrations.iter().enumerate();
        allowed
            .map(|(index, key)| (["allowed_integrations".to_owned(), index.to_string()], key))
            .chain(self.fields.integrations())
    }
}

/// The fields that are last in both schemas. A webhook URL may also be in its deprecated place,
/// `connection_config.webhook_url`.
struct TrailingFields {
    integrations_config_defaults: Option<PerIntegration<ConfigDefaults>>,
    overrides: Option<PerIntegration<Override>>,
    /// The inner `None` is an empty string, which means that there is no override.
    #[expect(clippy::option_option, reason = "absent, empty and given are three things")]
    webhook_url_override: Option<Option<String>>,
    tags: Option<Tags>,
}

impl TrailingFields {
    fn take(fields: &mut Fields<'_>) -> Self {
        Self {
            integrations_config_defaults: fields
                .optional("integrations_config_defaults", |value, issues| {
                    per_integration(value, issues, ConfigDefaults::read)
                }),
            overrides: fields.optional("overrides", |value, issues| {
                per_integration(value, issues, Override::read)
            }),
            webhook_url_override: fields.optional("webhook_url_override", webhook_url::read),
            tags: fields.optional("tags", Tags::read),
        }
    }

    fn into_fields(
        mut self,
        end_user: Option<EndUser>,
        organization: Option<Organization>,
    ) -> Result<SessionFields, Error> {
        let nested = self.take_nested_webhook_url()?;
        Ok(SessionFields {
            end_user,
            organization,
            integrations_config_defaults: self.integrations_config_defaults,
            overrides: self.overrides,
            webhook_url_override: self.webhook_url_override.unwrap_or(nested),
            tags: self.tags,
        })
    }

    /// Removes the deprecated `connection_config.webhook_url` from every entry, and returns the
    /// first that is not empty.
    fn take_nested_webhook_url(&mut self) -> Result<Option<String>, Error> {
        const DEPRECATED: &str = ". Note: connection_config.webhook_url is deprecated; \
                                  use top-level webhook_url_override instead.";
        let mut issues = Issues::default();
        let mut first = None;
        for (key, defaults) in self.integrations_config_defaults.iter_mut().flatten() {
            let Some(config) = &mut defaults.connection_config else { continue };
            let Some(value) = config.shift_remove("webhook_url") else { continue };
            if config.is_empty() {
                defaults.connection_config = None;
            }
            match webhook_url::parse(&value) {
                Ok(url) => first = first.or(url),
                Err(refusal) => issues.push_at(
                    &[
                        "integrations_config_defaults",
                        key.as_str(),
                        "connection_config",
                        "webhook_url",
                    ],
                    refusal.code(),
                    format!("{}{DEPRECATED}", refusal.message()),
                ),
            }
        }
        issues.finish(Some(first)).map_err(Error::InvalidBody)
    }
}
