//! `provision` as a Lambda function.

use provision::handle;
use secrets::AppWithVault;

fn main() -> Result<(), api::InitError> {
    let handle = |state: &'static AppWithVault, request, now, time_left| {
        handle(&state.app, &state.vault, request, now, time_left)
    };
    api::run_invocation(AppWithVault::start, handle)
}
