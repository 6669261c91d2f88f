//! x
/// x
pub async fn handle(_app: &shared::App, document: serde_json::Value, _now: shared::Timestamp) -> serde_json::Value { document }
