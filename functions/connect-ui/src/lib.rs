//! `GET /connect-ui/` and what stands below it: the page where a person connects an account
//! (contract section 10.4), and `GET /images/template-logos/{file}`, the marks that
//! `/integrations` and `/providers` name. None of it is a secret, and none needs a session: the
//! page gets its token from its address or from the page around it.
//!
//! - `assets`: the files of the page, and what a browser is told with them.
//! - `language`: the language of the page.
//! - `logos`: the marks of providers.

mod assets;
mod language;
mod logos;

use api::settings::Settings;
use api::{Error, Request, Response, Timestamp, request};

/// Answers 200 with the page or a part of it.
#[expect(clippy::unused_async, reason = "handlers are async; this one waits for nothing")]
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
