//! The events of `events/`, which are those of `sam local generate-event apigateway
//! http-api-proxy` with this API's routes, and the answers to them.

use serde_json::{Value, json};

/// The generator's own event, unchanged.
pub fn generated() -> Value {
    read(include_str!("../events/http-api-proxy.json"))
}

/// An environment document.
pub fn provision() -> Value {
    read(include_str!("../../events/provision.json"))
}

/// `POST /connect/sessions`.
pub fn create(secret_key: &str) -> Value {
    with_credential(read(include_str!("../../events/create-session.json")), secret_key)
}

/// `POST /connect/sessions/reconnect`.
pub fn reconnect(secret_key: &str) -> Value {
    with_credential(read(include_str!("../../events/reconnect-session.json")), secret_key)
}

/// `GET /connect/session`.
pub fn get(token: &str) -> Value {
    with_credential(read(include_str!("../../events/get-session.json")), token)
}

/// `DELETE /connect/session`.
pub fn delete(token: &str) -> Value {
    with_credential(read(include_str!("../../events/delete-session.json")), token)
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn with_credential(mut event: Value, credential: &str) -> Value {
    event["headers"]["authorization"] = json!(format!("Bearer {credential}"));
    event
}

/// The status and the body that API Gateway would send to the client.
#[track_caller]
pub fn answer(answer: &Value) -> (u64, Value) {
    let status = answer["statusCode"].as_u64().unwrap_or_else(|| panic!("no status: {answer}"));
    let body = answer["body"].as_str().unwrap_or_default();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// The token of a 201.
#[track_caller]
pub fn token(created: &Value) -> String {
    let (status, body) = answer(created);
    assert_eq!(status, 201, "{body}");
    body["data"]["token"].as_str().expect("a token").to_owned()
}
