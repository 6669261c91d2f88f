//! The built processes as those see them who run them.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod durability;
mod logs;
mod process;
mod refusals;
mod secrets;
mod service;
mod stop;
mod terminal;
mod webhooks;
