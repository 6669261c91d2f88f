//! `list-integrations` as a Lambda function.

use api::lambda::ANSWER_WITHIN;
use list_integrations::handle;
use secrets::AppWithVault;

fn main() -> Result<(), api::InitError> {
    let handle =
        |state: &'static AppWithVault, request, now| handle(&state.app, &state.vault, request, now);
    api::run_with(AppWithVault::start, handle, ANSWER_WITHIN)
}
