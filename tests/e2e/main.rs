//! The built processes, from outside: what a person or a machine sees that runs them.

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
