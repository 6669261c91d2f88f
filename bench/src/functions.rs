//! The four endpoints: their binaries, their events, and the DynamoDB calls that they may make.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Failure;
use crate::process::Process;
use crate::world::{CONNECTION, SECRET_KEY, World, event};

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Function {
    /// The name of its package, and of its binary.
    pub name: &'static str,
    /// Its release binary.
    pub binary: PathBuf,
    /// A request to it.
    pub event: String,
    /// The operations of the first request.
    pub first_calls: &'static [&'static str],
    /// The operations of a later request.
    pub warm_calls: &'static [&'static str],
}

/// The four, with a session of their own in the world.
pub fn all(world: &World, target: &Path) -> Result<[Function; 4], Failure> {
    let binary = |name: &str| target.join("release").join(name);
    let create = create_event()?;
    let reconnect = event("POST /connect/sessions/reconnect", SECRET_KEY, Some(&reconnect_body()))?;
    let token = mint(world, &binary("create-session"), &create)?;
    Ok([
        Function {
            name: "create-session",
            binary: binary("create-session"),
            event: create,
            first_calls: &["GetItem", "Query", "PutItem"],
            warm_calls: &["PutItem"],
        },
        Function {
            name: "reconnect-session",
            binary: binary("reconnect-session"),
            event: reconnect,
            first_calls: &["GetItem", "Query", "GetItem", "PutItem"],
            warm_calls: &["GetItem", "PutItem"],
        },
        Function {
            name: "get-session",
            binary: binary("get-session"),
            event: event("GET /connect/session", &token, None)?,
            first_calls: &["GetItem", "GetItem"],
            warm_calls: &["GetItem"],
        },
        Function {
            name: "delete-session",
            binary: binary("delete-session"),
            event: event("DELETE /connect/session", &token, None)?,
            first_calls: &["DeleteItem", "GetItem"],
            warm_calls: &["DeleteItem"],
        },
    ])
}

/// A request to `create-session`.
pub fn create_event() -> Result<String, Failure> {
    event("POST /connect/sessions", SECRET_KEY, Some(&create_body()))
}

/// The body of a session as customers make them.
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
fn mint(world: &World, binary: &Path, create: &str) -> Result<String, Failure> {
    let process = Process::start(&world.program(&[binary.to_owned()]))?;
    let (answer, _) = process.api.invoke(create)?;
    let answer: Value = serde_json::from_str(&answer)?;
    let body: Value = serde_json::from_str(answer["body"].as_str().ok_or("no body")?)?;
    world.endpoint.counts();
    Ok(body["data"]["token"].as_str().ok_or("no token")?.to_owned())
}
