//! `GET /connect-ui/` and the paths below it: the page where a person connects an account (contract
//! section 10.4), and `GET /images/template-logos/{file}`, the logos to which `/integrations` and
//! `/providers` refer. Nothing here is secret, and nothing needs a session: the page gets its token
//! from its URL or from the page that frames it.
//!
//! - `assets`: the files of the page, and their headers.
//! - `language`: the language of the page.
//! - `logos`: the logos of providers.

mod assets;
mod language;
mod logos;

use api::settings::Settings;
use api::{Error, Request, Response, Timestamp, request};

/// Answers 200 with the page or a part of it.
#[expect(clippy::unused_async, reason = "handlers are async, and this one needs no await")]
pub async fn handle(
    settings: &Settings,
    request: Request,
    _: Timestamp,
) -> Result<Response, Error> {
    if let Some(file) = request::path_parameter(&request, "file") {
        return Ok(logos::picture(&file));
    }
    match request::path_parameter(&request, "proxy").unwrap_or_default().as_str() {
        "" => Ok(assets::document(&request, &settings.websockets_path)),
        "logos" => Ok(logos::of(&request)),
        path => assets::file(&request, path).ok_or_else(|| {
            Error::refused(404, "not_found", "The Connect UI has no such file".to_owned())
        }),
    }
}
