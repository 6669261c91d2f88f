//! The last step: the connection is saved, if its session still stands.

use api::{Error, Timestamp};
use connect::Connect;
use connect::saving::Credentials;
use flow::attempt::{Attempt, target_gone};
use session::oauth_flow::Outcome;
use tables::attempts::{End, Saved};

/// Saves the connection, and answers its id.
pub async fn save(
    connect: &Connect,
    attempt: Attempt,
    new: Credentials,
    now: Timestamp,
) -> Result<String, Error> {
    let draft = attempt.draft();
    let (session, is_reconnect) = (draft.session, draft.is_reconnect);
    let id = draft.connection_id.as_str().to_owned();
    let outcome = Outcome::connected(&draft, now);
    let end = End {
        session: &session,
        outcomes_before: attempt.outcomes_before,
        outcome: &outcome,
        flow: None,
    };
    let provider = &attempt.integration.provider;
    match connect.save(&attempt.environment, provider, draft, new, end, now).await? {
        Saved::Done => Ok(id),
        Saved::SessionGone => Err(Error::UnknownSessionToken),
        Saved::Conflict if is_reconnect => Err(target_gone()),
        Saved::Conflict => Err(Error::internal("the id of a new connection is taken")),
    }
}
