//! The rules of the contract, in process.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod properties;
