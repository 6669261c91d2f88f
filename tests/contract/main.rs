//! The rules of the contract, in process: whole HTTP requests in, whole answers out, against a real
//! DynamoDB engine. A line `// R9 D4` above a test names the requirements of
//! `docs/REQUIREMENTS.md` and the deviations of `docs/compatibility.md` that it shows.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod auth_events;
mod authentication;
mod calls;
mod catalogue;
mod change_connection;
mod connect_order;
mod connect_ui;
mod create_session;
mod delete_session;
mod delivery;
mod demo_providers;
mod describing;
mod ended_sessions;
mod expiry;
mod get_connection;
mod get_session;
mod hostile_input;
mod hostile_providers;
mod import_connection;
mod inbox;
mod kms_at_the_endpoints;
mod list_connections;
mod new_connection;
mod oauth_callback;
mod oauth_providers;
mod oauth_security;
mod oauth_start;
mod outbound;
mod properties;
mod provisioned_secrets;
mod provisioned_settings;
mod provisioning;
mod provisioning_failures;
mod provisioning_races;
mod reconnect_session;
mod reconnection;
mod record_telemetry;
mod refreshing;
mod requirements;
mod revoking;
mod rooms;
mod routes;
mod scopes;
mod sealing;
mod secrets;
mod settings;
mod show_provider;
mod store_failure;
mod tags;
mod tenants;
mod tidy;
mod token_answers;
mod transport;
mod unsaved_tokens;
mod vault;
mod webhook_example;
mod webhook_reliability;
mod webhook_replay;
mod webhook_signatures;
mod webhook_urls;
mod websocket_flows;
mod websockets;
