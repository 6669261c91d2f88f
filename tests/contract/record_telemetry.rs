//! `POST /connect/telemetry` (contract section 10.5): times in the forms that JavaScript's `Date`
//! accepts.

use serde_json::{Value, json};
use tests::{Call, World};

#[tokio::test]
async fn a_moment_may_be_written_in_several_ways() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    let now_ms = world.now.as_millisecond();
    let away = "timestamp is more than 7200000ms away from the current time";
    let no_date = "Invalid input: expected date, received Date";
    // It is 2026-11-22T12:38:27.690Z.
    for (timestamp, refused) in [
        (json!(now_ms), None),
        (json!("2026-11-22T12:38:27.690Z"), None),
        (json!("2026-11-22T14:38:27+02:00"), None),
        // A time without an offset is in UTC.
        (json!("2026-11-22T12:38:27"), None),
        (json!("2026-11-22T12:38"), None),
        (json!("Sun, 22 Nov 2026 12:38:27 GMT"), None),
        (json!("Sun, 22 Nov 2026 15:38:27 GMT"), Some(away)),
        (json!("2026-11-22T15:38:27"), Some(away)),
        (json!("2026-11-22"), Some(away)),
        (json!("2026-11"), Some(away)),
        (json!("2026"), Some(away)),
        (json!(8.64e15), Some(away)),
        (json!(-8.64e15), Some(away)),
        (json!(now_ms + 7_200_001), Some(away)),
        (json!(null), Some(away)),
        (json!(true), Some(away)),
        (json!(now_ms.to_string()), Some(no_date)),
        (json!("soon"), Some(no_date)),
        (json!("20261122"), Some(no_date)),
        (json!("20261122T123827Z"), Some(no_date)),
        (json!("2026-13"), Some(no_date)),
        (json!(8.64e15 + 2.0), Some(no_date)),
        (json!(""), Some(no_date)),
        (json!([]), Some(no_date)),
        (json!({}), Some(no_date)),
        (json!(1e30), Some(no_date)),
    ] {
        let body = json!({ "token": token, "event": "open", "timestamp": timestamp });
        let reply = world.send(Call::new("POST", "/connect/telemetry").json(&body)).await;
        match refused {
            None => assert_eq!(reply.status, 204, "{timestamp}: {reply:?}"),
            Some(message) => {
                assert_eq!(reply.status, 400, "{timestamp}: {reply:?}");
                let issue: Value = reply.json()["error"]["errors"][0].clone();
                let told = (&issue["message"], &issue["path"]);
                assert_eq!(told, (&json!(message), &json!(["timestamp"])), "{timestamp}");
            }
        }
    }
}
