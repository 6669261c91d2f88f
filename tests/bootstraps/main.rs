//! The functions' binaries under AWS's Runtime Interface Emulator, against the embedded engine over
//! HTTP. `.ci/bootstraps` builds the one, installs the other, and runs this.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod emulator;
mod events;
mod failures;
mod life;
