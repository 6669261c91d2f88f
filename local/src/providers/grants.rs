//! The issued codes and tokens. A token names its grant, so tokens of an earlier start work too.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use uuid::Uuid;

const ACCESS: &str = "demo-access-";
const REFRESH: &str = "demo-refresh-";

/// The codes that can be redeemed, and the grants that were revoked.
#[derive(Debug, Default)]
pub struct Grants(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    codes: HashMap<String, Consent>,
    /// The number of the newest refresh token of each grant that was used since the start.
    newest: HashMap<Uuid, u32>,
    revoked: HashSet<Uuid>,
}

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The scopes of the request.
    pub scope: String,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    /// The code challenge of the request, if it had one (RFC 7636).
    pub challenge: Option<String>,
}

/// An access token, and a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

impl Tokens {
    fn of(grant: Uuid, number: u32) -> Self {
        Self {
            access: format!("{ACCESS}{grant}-{}", Uuid::new_v4().simple()),
            refresh: format!("{REFRESH}{grant}-{number}"),
        }
    }
}

impl Grants {
    /// Issues a code for a user's consent.
    pub fn code(&self, consent: Consent) -> String {
        let code = format!("demo-code-{}", Uuid::new_v4().simple());
        self.state().codes.insert(code.clone(), consent);
        code
    }

    /// Redeems a code. It is used up even if the redirect URI or the verifier does not match (RFC
    /// 6749 section 4.1.3, RFC 7636 section 4.6).
    pub fn redeem(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Option<(Tokens, Consent)> {
        let consent = self.state().codes.remove(code)?;
        let challenge =
            verifier.map(|verifier| URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())));
        let matches = consent.redirect_uri == redirect_uri && consent.challenge == challenge;
        matches.then(|| (Tokens::of(Uuid::new_v4(), 0), consent))
    }

    /// Tokens for a refresh token. If refresh tokens rotate, each works once, and a second use ends
    /// the grant.
    pub fn refresh(&self, token: &str, rotates: bool) -> Option<Tokens> {
        let (grant, number) = token.strip_prefix(REFRESH)?.rsplit_once('-')?;
        let (grant, number): (Uuid, u32) = (grant.parse().ok()?, number.parse().ok()?);
        let mut state = self.state();
        if state.revoked.contains(&grant) {
            return None;
        }
        if !rotates {
            return Some(Tokens::of(grant, number));
        }
        let newest = state.newest.entry(grant).or_insert(number);
        if *newest != number {
            state.revoked.insert(grant);
            return None;
        }
        *newest = number.checked_add(1)?;
        Some(Tokens::of(grant, *newest))
    }

    /// Ends the grant of a token of either kind (RFC 7009).
    pub fn revoke(&self, token: &str) {
        self.state().revoked.extend(grant(token));
    }

    /// Whether the API accepts an access token. It does not expire here: only clients are told its
    /// lifetime.
    pub fn is_good(&self, access_token: &str) -> bool {
        let grant = access_token.strip_prefix(ACCESS).and_then(|_| grant(access_token));
        grant.is_some_and(|grant| !self.state().revoked.contains(&grant))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The grant that a token names.
fn grant(token: &str) -> Option<Uuid> {
    let rest = token.strip_prefix(ACCESS).or_else(|| token.strip_prefix(REFRESH))?;
    rest.rsplit_once('-')?.0.parse().ok()
}
