//! Plans the environment itself: its settings, its branch key, its webhooks.

use session::webhooks::WebhookSettings;
use tables::StoreError;
use tables::record::{Key, Record, Stored};
use tables::transaction::Change;

use crate::document::EnvironmentDocument;
use crate::document_parts::Patch;
use crate::planner::{Effect, Planner, Step};
use crate::report::{Failure, GeneratedSecret};
use crate::sealed::failure;
use crate::webhooks_document::WebhooksDocument;

/// How long a key that was removed with its sessions is remembered: the longest lifetime of a
/// session, plus the longest time for which a container may still have the key in its cache.
const ENDED_KEYS_KEPT_MS: i64 = (604_800 + 3_600) * 1_000;

impl Planner<'_> {
    /// Plans the settings of the environment.
    pub async fn settings(&mut self, desired: &EnvironmentDocument) -> Result<(), Failure> {
        let old = self.settings.clone();
        let connect_ui = old.connect_ui.changed(desired.connect_ui.clone());
        self.settings.connect_ui =
            connect_ui.map_err(|error| StoreError::Unexpected(format!("connect_ui: {error}")))?;
        if let Some(allow) = desired.allow_docs_connect_override {
            self.settings.allow_docs_connect_override = allow;
        }
        self.settings.callback_url = desired.callback_url.apply(old.callback_url.clone());
        let mut changes = Vec::new();
        if old.branch_key.is_none() || desired.rotate_branch_key {
            changes.push(self.new_branch_key().await?);
        }
        let secret = match &desired.webhooks {
            Some(webhooks) => self.webhooks(webhooks).await?,
            None => None,
        };
        let is_changed = self.settings != old;
        // Old entries are dropped with the next write, but are no reason for a write.
        let oldest_ms = self.now_ms - ENDED_KEYS_KEPT_MS;
        self.settings.ended_keys.retain(|_, at_ms| *at_ms > oldest_ms);
        let label = self.plan.name.text.clone();
        changes.push(self.put_settings());
        if self.plan.name.revision.is_none() {
            self.plan.steps.push(Step { changes, effect: Some((Effect::Created, label)), secret });
        } else if is_changed {
            self.plan.steps.push(Step { changes, effect: Some((Effect::Changed, label)), secret });
        } else {
            self.plan.unchanged.push(label);
        }
        Ok(())
    }

    /// Creates the next version of the branch key. Older versions stay, for values that they
    /// sealed.
    async fn new_branch_key(&mut self) -> Result<Change, Failure> {
        let version = self.settings.branch_key.as_ref().map_or(1, |(version, _)| version + 1);
        let key = self.vault.create_branch_key(self.id(), version).await;
        let ciphertext = key.map_err(failure)?.ciphertext;
        self.settings.branch_key = Some((version, ciphertext.clone()));
        let stored = Stored {
            record: Record::BranchKey { version, ciphertext },
            created_at_ms: self.now_ms,
            updated_at_ms: self.now_ms,
        };
        Ok(Change::Create(Key::branch_key(self.id(), version), stored))
    }

    /// Changes the webhook settings. Returns a signing key if one was generated.
    async fn webhooks(
        &mut self,
        desired: &WebhooksDocument,
    ) -> Result<Option<GeneratedSecret>, Failure> {
        let old = self.settings.webhooks.clone().unwrap_or_default();
        let default = WebhookSettings::default();
        let flag =
            |desired: &Patch<bool>, old, default| desired.apply(Some(old)).unwrap_or(default);
        let webhooks = WebhookSettings {
            primary_url: desired.primary_url.apply(old.primary_url),
            secondary_url: desired.secondary_url.apply(old.secondary_url),
            on_auth_creation: flag(
                &desired.on_auth_creation,
                old.on_auth_creation,
                default.on_auth_creation,
            ),
            on_auth_refresh_error: flag(
                &desired.on_auth_refresh_error,
                old.on_auth_refresh_error,
                default.on_auth_refresh_error,
            ),
            on_connection_deletion: flag(
                &desired.on_connection_deletion,
                old.on_connection_deletion,
                default.on_connection_deletion,
            ),
            legacy_signature: flag(
                &desired.legacy_signature,
                old.legacy_signature,
                default.legacy_signature,
            ),
        };
        self.settings.webhooks = Some(webhooks);
        self.signing_keys(desired).await
    }
}
