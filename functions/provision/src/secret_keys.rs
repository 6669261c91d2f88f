//! Plans secret keys: new ones, new secrets or scopes, and removals.

use session::error::WRITE_SESSIONS;
use session::secret_key::{SecretKey, SecretKeyHash, SecretKeyRecord};
use tables::record::{Key, Record, Stored};
use tables::transaction::Change;
use uuid::Uuid;

use crate::document::SecretKeyDocument;
use crate::planner::{Effect, Planner, Step};
use crate::report::GeneratedSecret;

/// The most removed keys that an environment remembers. Requests read them with its settings, so
/// there must not be too many.
const ENDED_KEYS_MAX: usize = 1_000;

impl Planner<'_> {
    /// Plans the key with a name; `index` is its position in the document.
    pub fn secret_key(&mut self, index: usize, name: &str, desired: &SecretKeyDocument) {
        let index = index.to_string();
        let current = self.named_secret_key(name);
        match desired {
            SecretKeyDocument::Present { secret, scopes } => {
                self.set_secret_key(&index, name, current, secret.as_ref(), scopes.as_deref());
            }
            SecretKeyDocument::Absent { ends_sessions } => {
                self.remove_secret_key(&index, name, current, *ends_sessions);
            }
        }
    }

    fn set_secret_key(
        &mut self,
        index: &str,
        name: &str,
        current: Option<(SecretKeyHash, SecretKeyRecord)>,
        secret: Option<&SecretKey>,
        scopes: Option<&[String]>,
    ) {
        let label = self.label(&["secret_keys", name]);
        let given = secret.map(SecretKey::hash);
        if let Some((hash, record)) =
            current.as_ref().filter(|(hash, _)| given.as_ref().is_none_or(|given| given == hash))
        {
            let scopes = scopes.unwrap_or(&record.scopes).to_vec();
            let record = SecretKeyRecord { scopes, ..record.clone() };
            return self.upsert(label, Key::secret_key(hash), Record::SecretKey(record));
        }
        let is_taken = |hash: SecretKeyHash| {
            let key = Key::secret_key(&hash);
            self.found.contains_key(&key) || !self.new_secrets.insert(key)
        };
        if given.is_some_and(is_taken) {
            return self.refuse(
                &["secret_keys", index, "secret"],
                "Secret is already in use: choose another",
            );
        }

        let generated = secret.is_none().then(SecretKey::generate);
        let Some(secret) = secret.or(generated.as_ref()) else { return };
        let default = [WRITE_SESSIONS.to_owned()];
        let scopes = scopes.or(current.as_ref().map(|(_, record)| &record.scopes[..]));
        let record = SecretKeyRecord {
            id: Uuid::new_v4(),
            environment_id: self.id(),
            name: name.to_owned(),
            scopes: scopes.unwrap_or(&default).to_vec(),
        };
        let stored = Stored {
            record: Record::SecretKey(record),
            created_at_ms: self.now_ms,
            updated_at_ms: self.now_ms,
        };
        let credential = Key::credential(self.id(), name);
        let mut changes = vec![
            Change::Create(Key::secret_key(&secret.hash()), stored),
            self.put(credential, Record::Credential(secret.hash())),
        ];
        let effect = match current {
            Some((hash, _)) => {
                changes.push(Change::Delete(Key::secret_key(&hash)));
                Effect::Changed
            }
            None => Effect::Created,
        };
        let secret = generated.map(|secret| GeneratedSecret {
            environment: self.plan.name.text.clone(),
            name: name.to_owned(),
            secret: secret.expose().to_owned(),
        });
        self.plan.steps.push(Step { changes, effect: Some((effect, label)), secret });
    }

    fn remove_secret_key(
        &mut self,
        index: &str,
        name: &str,
        current: Option<(SecretKeyHash, SecretKeyRecord)>,
        ends_sessions: bool,
    ) {
        let label = self.label(&["secret_keys", name]);
        let credential = Key::credential(self.id(), name);
        let Some((hash, record)) = current else {
            return self.remove(label, credential, Vec::new());
        };
        let mut changes = vec![Change::Delete(Key::secret_key(&hash)), Change::Delete(credential)];
        if ends_sessions {
            self.settings.ended_keys.insert(record.id, self.now_ms);
            if self.settings.ended_keys.len() > ENDED_KEYS_MAX {
                let message = "The sessions of at most 1000 removed keys can be ended in seven \
                               days: remove the environment, which ends all of its sessions";
                return self.refuse(&["secret_keys", index, "sessions"], message);
            }
            // In the same step, so that a key is never on this list while it still works.
            changes.push(self.put_settings());
        }
        self.step(Effect::Removed, label, changes);
    }

    /// The stored secret key with a name.
    fn named_secret_key(&self, name: &str) -> Option<(SecretKeyHash, SecretKeyRecord)> {
        let credential = self.found.get(&Key::credential(self.id(), name))?;
        let Record::Credential(hash) = &credential.record else { return None };
        match &self.found.get(&Key::secret_key(hash))?.record {
            Record::SecretKey(record) => Some((hash.clone(), record.clone())),
            _ => None,
        }
    }
}
