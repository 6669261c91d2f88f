//! The measured endpoints: their binaries, their events, and the calls that they may make.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Failure;
use crate::budget::Kind;
use crate::process::Process;
use crate::world::{
    CONNECTED, CONNECTING_KEY, CONNECTION, CONSENTED, EXCHANGED, SECRET_KEY, World, event, event_at,
};

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Function {
    /// The name of its package and its binary.
    pub name: &'static str,
    /// Its kind, which decides its budgets.
    pub kind: Kind,
    /// Its release binary.
    pub binary: PathBuf,
    /// A request to it.
    pub event: String,
    /// The operations of the first request.
    pub first_calls: &'static [&'static str],
    /// The operations of each later request.
    pub warm_calls: &'static [&'static str],
}

/// The four session functions, with a session of their own in the world.
pub fn sessions(world: &World, target: &Path) -> Result<[Function; 4], Failure> {
    let binary = |name: &str| target.join("release").join(name);
    let create = create_event()?;
    let reconnect = event("POST /connect/sessions/reconnect", SECRET_KEY, Some(&reconnect_body()))?;
    let token = mint(world, &binary("create-session"), &create)?;
    Ok([
        Function {
            name: "create-session",
            kind: Kind::Session,
            binary: binary("create-session"),
            event: create,
            first_calls: &["GetItem", "Query", "PutItem"],
            warm_calls: &["PutItem"],
        },
        Function {
            name: "reconnect-session",
            kind: Kind::Session,
            binary: binary("reconnect-session"),
            event: reconnect,
            first_calls: &["GetItem", "Query", "GetItem", "PutItem"],
            warm_calls: &["GetItem", "PutItem"],
        },
        Function {
            name: "get-session",
            kind: Kind::Session,
            binary: binary("get-session"),
            event: event("GET /connect/session", &token, None)?,
            first_calls: &["GetItem", "GetItem"],
            warm_calls: &["GetItem"],
        },
        Function {
            name: "delete-session",
            kind: Kind::Session,
            binary: binary("delete-session"),
            event: event("DELETE /connect/session", &token, None)?,
            first_calls: &["DeleteItem", "GetItem"],
            warm_calls: &["DeleteItem"],
        },
    ])
}

/// The functions that seal and open credentials or call providers, with a session, a connection and
/// an OAuth flow of their own.
pub fn sealing(world: &World, target: &Path) -> Result<[Function; 4], Failure> {
    let binary = |name: &str| target.join("release").join(name);
    world.provision_connecting()?;
    let body = json!({ "end_user": { "id": "user-4711" }, "tags": { "plan": "pro" } });
    let create = event("POST /connect/sessions", CONNECTING_KEY, Some(&body))?;
    // From the dev profile, so that the session functions need no release build.
    let token = mint(world, &target.join("debug/create-session"), &create)?;
    let authorize = authorize_event(&token)?;
    let made = answer(world, &binary("authorize"), &authorize)?;
    let id = made["connectionId"].as_str();
    let id = id.ok_or_else(|| format!("authorize made no connection: {made}"))?;
    Ok([
        Function {
            name: "authorize",
            kind: Kind::Sealing,
            binary: binary("authorize"),
            event: authorize,
            first_calls: &["GetItem", "GetItem", "GetItem", "Decrypt", "TransactWriteItems"],
            warm_calls: &["GetItem", "TransactWriteItems"],
        },
        Function {
            name: "get-connection",
            kind: Kind::Sealing,
            binary: binary("get-connection"),
            event: get_connection_event(id)?,
            first_calls: &["GetItem", "Query", "GetItem", "Decrypt"],
            warm_calls: &["GetItem"],
        },
        Function {
            name: "start-oauth",
            kind: Kind::StartOauth,
            binary: binary("start-oauth"),
            event: start_oauth_event(CONSENTED, &token)?,
            first_calls: &["GetItem", "GetItem", "GetItem", "PutItem"],
            warm_calls: &["GetItem", "PutItem"],
        },
        Function {
            name: "finish-oauth",
            kind: Kind::FinishOauth,
            event: finish_oauth_event(world, &binary("start-oauth"), &token)?,
            binary: binary("finish-oauth"),
            first_calls: &[
                "UpdateItem",
                "GetItem",
                "GetItem",
                "GetItem",
                "GetItem",
                "Decrypt",
                "TransactWriteItems",
            ],
            warm_calls: &["UpdateItem", "GetItem", "GetItem", "GetItem", "TransactWriteItems"],
        },
    ])
}

/// A browser that is sent to a provider.
pub fn start_oauth_event(integration: &str, token: &str) -> Result<String, Failure> {
    let route = "GET /oauth/connect/{providerConfigKey}";
    let uri = format!("/oauth/connect/{integration}?connect_session_token={token}");
    event_at(route, &uri, &[("providerConfigKey", integration)], None, None)
}

/// A browser that comes back with a code, to a flow that was started for it.
fn finish_oauth_event(world: &World, start: &Path, token: &str) -> Result<String, Failure> {
    let started = invoke(world, start, &start_oauth_event(EXCHANGED, token)?)?;
    let header = |name: &str| started["headers"][name].as_str();
    let location = header("location").ok_or_else(|| format!("no redirect: {started}"))?;
    let state = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("state="));
    let state = state.ok_or("no state")?;
    let cookie = started["cookies"][0].as_str().or(header("set-cookie")).ok_or("no cookie")?;
    let route = "GET /oauth/callback";
    let uri = format!("/oauth/callback?code=4%2F0AeaYSHBk3nJ&state={state}");
    let mut event: Value = serde_json::from_str(&event_at(route, &uri, &[], None, None)?)?;
    event["cookies"] = json!([cookie.split(';').next()]);
    Ok(event.to_string())
}

/// A request to `authorize` that seals an API key.
pub fn authorize_event(token: &str) -> Result<String, Failure> {
    let route = "POST /api-auth/api-key/{providerConfigKey}";
    let uri = format!("/api-auth/api-key/{CONNECTED}?connect_session_token={token}");
    let body = json!({ "apiKey": "re_5d41402abc4b2a76b9719d911017c592" });
    event_at(route, &uri, &[("providerConfigKey", CONNECTED)], None, Some(&body))
}

/// A request to `get-connection` that opens what was sealed.
pub fn get_connection_event(id: &str) -> Result<String, Failure> {
    let route = "GET /connections/{connectionId}";
    let uri = format!("/connections/{id}?provider_config_key={CONNECTED}");
    event_at(route, &uri, &[("connectionId", id)], Some(CONNECTING_KEY), None)
}

/// A request to `create-session`.
pub fn create_event() -> Result<String, Failure> {
    event("POST /connect/sessions", SECRET_KEY, Some(&create_body()))
}

/// The body of a typical session.
pub fn create_body() -> Value {
    json!({
        "end_user": { "id": "user-4711", "email": "ada@example.com", "display_name": "Ada" },
        "tags": { "plan": "pro" },
        "allowed_integrations": ["github", "slack"],
    })
}

/// The body of a session for one connection.
pub fn reconnect_body() -> Value {
    json!({ "connection_id": CONNECTION, "integration_id": "github" })
}

/// A session's token, from the function that makes them.
pub fn mint(world: &World, binary: &Path, create: &str) -> Result<String, Failure> {
    let body = answer(world, binary, create)?;
    Ok(body["data"]["token"].as_str().ok_or("no token")?.to_owned())
}

/// The body of a function's answer.
fn answer(world: &World, binary: &Path, event: &str) -> Result<Value, Failure> {
    let answer = invoke(world, binary, event)?;
    Ok(serde_json::from_str(answer["body"].as_str().ok_or("no body")?)?)
}

/// A function's answer. The call is not counted.
fn invoke(world: &World, binary: &Path, event: &str) -> Result<Value, Failure> {
    let process = Process::start(&world.program(&[binary.to_owned()]))?;
    let (answer, _) = process.api.invoke(event)?;
    world.endpoint.counts();
    Ok(serde_json::from_str(&answer)?)
}
