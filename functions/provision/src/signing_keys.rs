//! Plans the keys that sign webhooks, and their rotation:
//!
//! 1. `"rotate_signing_key": "start"` generates a second key, or `next_signing_key` gives one. From
//!    then on both sign, so receivers can switch to the new key without losing a webhook.
//! 2. `"rotate_signing_key": "finish"` replaces the first key with the second.
//!
//! Doing either twice changes nothing.

use session::secret_key::SecretKey;
use tables::record::{Key, NEXT_SIGNING_KEY, SIGNING_KEY};

use crate::planner::Planner;
use crate::report::{Failure, GeneratedSecret};
use crate::webhooks_document::{Rotation, WebhooksDocument};

impl Planner<'_> {
    /// Changes the signing keys. Returns a key if one was generated.
    pub async fn signing_keys(
        &mut self,
        desired: &WebhooksDocument,
    ) -> Result<Option<GeneratedSecret>, Failure> {
        let key = Key::environment(self.id());
        let stored = self.settings.signing_keys.clone();
        if let Some(given) = &desired.signing_key {
            let sealed = self.sealed(&key, SIGNING_KEY, &given.0, stored.current.as_ref()).await?;
            self.settings.signing_keys.current = Some(sealed);
        } else if stored.current.is_none() {
            let secret = SecretKey::generate().expose().to_owned();
            let sealed = self.sealed(&key, SIGNING_KEY, &secret, None).await?;
            self.settings.signing_keys.current = Some(sealed);
            return Ok(Some(self.generated("webhooks/signing_key", secret)));
        }
        if let Some(given) = &desired.next_signing_key {
            let sealed = self.sealed(&key, NEXT_SIGNING_KEY, &given.0, stored.next.as_ref());
            self.settings.signing_keys.next = Some(sealed.await?);
        }
        match (desired.rotate_signing_key, &self.settings.signing_keys.next) {
            (Some(Rotation::Start), None) => {
                let secret = SecretKey::generate().expose().to_owned();
                let sealed = self.sealed(&key, NEXT_SIGNING_KEY, &secret, None).await?;
                self.settings.signing_keys.next = Some(sealed);
                Ok(Some(self.generated("webhooks/next_signing_key", secret)))
            }
            (Some(Rotation::Finish), Some(next)) => {
                // It was sealed for another attribute, so it is sealed again.
                let secret = self.opened(&key, NEXT_SIGNING_KEY, next).await?;
                let sealed = self.sealed(&key, SIGNING_KEY, &secret, None).await?;
                self.settings.signing_keys.current = Some(sealed);
                self.settings.signing_keys.next = None;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn generated(&self, name: &str, secret: String) -> GeneratedSecret {
        let environment = self.plan.name.text.clone();
        GeneratedSecret { environment, name: name.to_owned(), secret }
    }
}
