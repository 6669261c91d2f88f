//! Proof Key for Code Exchange (RFC 7636): proves that the same client requests and redeems the
//! code.

use api::Error;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use session::oauth_flow::FlowToken;

/// A new `code_verifier`: 256 random bits, as section 4.1 recommends.
pub fn verifier() -> Result<String, Error> {
    Ok(FlowToken::generate().map_err(Error::internal)?.expose().to_owned())
}

/// Its `code_challenge` of the method S256 (section 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}
