//! The functions' binaries under AWS's Runtime Interface Emulator, with the embedded engine over
//! HTTP. `.ci/bootstraps` builds the binaries, installs the emulator, and runs these tests.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod emulator;
mod events;
mod failures;
mod life;
