//! The 201 of the two POST endpoints (contract section 1.6): stores a session under a new token,
//! and answers that token.

use serde::Serialize;
use session::Error;
use session::connect_session::ConnectSession;
use session::token::SessionToken;
use url::{Position, Url};

use crate::app::App;
use crate::response::{self, Response};
use crate::{session_secrets, telemetry};

/// The `data` of the answer.
#[derive(Serialize)]
struct Minted<'a> {
    token: &'a str,
    connect_link: String,
    expires_at: String,
}

/// Stores the session under a new token, and answers that token. `base_url` is the URL of this API.
pub async fn mint(
    app: &App,
    base_url: &str,
    mut session: ConnectSession,
) -> Result<Response, Error> {
    let token = SessionToken::generate().map_err(Error::internal)?;
    session_secrets::seal(&token, &mut session)?;
    let (id, expires_at) = (session.id, session.expires_at);
    app.tables.put_session(&token.hash(), session).await?;
    telemetry::note(|summary| summary.session_id = Some(id));
    response::created(&Minted {
        token: token.expose(),
        connect_link: connect_link(app.settings.connect_ui_url.as_ref(), base_url, &token),
        expires_at: format!("{expires_at:.3}"),
    })
}

/// The link that opens the Connect UI with one session: the page of this API, or `other`, whose own
/// query follows the token.
fn connect_link(other: Option<&Url>, base_url: &str, token: &SessionToken) -> String {
    let Some(base) = other else {
        return format!("{base_url}/connect-ui/?session_token={}", token.expose());
    };
    let page = &base[..Position::AfterPath];
    let slash = if page.ends_with('/') { "" } else { "/" };
    let own = base.query().filter(|query| !query.is_empty());
    let rest = own.map(|query| format!("&{query}")).unwrap_or_default();
    format!("{page}{slash}?session_token={}{rest}", token.expose())
}
