//! `DELETE /connect/session` ends the session whose token the request carries (contract
//! section 4).

use api::{App, Error, Request, Response, Timestamp, auth, request, response};

/// Answers 204. The token is no longer valid.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Result<Response, Error> {
    let body = request::body(&request)?;
    let token = auth::session_token(&request)?;
    if let Err(refusal) = request::no_query(&request).and_then(|()| request::no_body(body)) {
        // An invalid token is reported before an invalid request, so the token is looked up here. A
        // valid request needs no look-up, because the deletion finds out.
        auth::session(app, &token, now).await?;
        return Err(refusal);
    }
    auth::end_session(app, &token, now).await?;
    Ok(response::no_content())
}
