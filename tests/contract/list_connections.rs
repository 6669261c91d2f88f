//! `GET /connections` (section 10 of the flow): entries and filters.

mod pages;

use serde_json::{Value, json};
use tests::{Flow, Reply};

/// Makes a connection without credentials, a second after the last one.
async fn connect(flow: &mut Flow, integration: &str, session: Value) -> String {
    flow.world.pass_ms(1_000);
    let token = flow.world.mint(session).await;
    flow.connected(&format!("/auth/unauthenticated/{integration}"), &token, &json!({})).await
}

async fn list(flow: &Flow, query: &str) -> Reply {
    let reply = flow.ask("GET", &format!("/connections?{query}"), None).await;
    assert_eq!(reply.status, 200, "{query}: {reply:?}");
    reply
}

fn ids(reply: &Reply) -> Vec<String> {
    let connections = reply.json()["connections"].as_array().expect("a list").clone();
    connections.iter().map(|c| c["connection_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn an_entry_has_neither_credentials_nor_configuration() {
    let mut flow = Flow::start().await;
    let session = json!({ "end_user": { "id": "u1" }, "tags": { "team": "blue" } });
    let id = connect(&mut flow, "unauth", session).await;
    let listed = flow.connections().await;
    let connection = flow.connection("unauth", &id).await;
    assert_eq!(listed[0]["created"], "2026-11-22T12:38:28.69+00:00");
    let mut entry = listed[0].clone();
    entry.as_object_mut().expect("an object").remove("created");
    assert_eq!(
        entry,
        json!({
            "id": connection["id"],
            "connection_id": id,
            "provider_config_key": "unauth",
            "provider": "unauthenticated",
            "errors": [],
            "end_user": connection["end_user"],
            "tags": { "end_user_id": "u1", "team": "blue" },
            "metadata": {},
        })
    );
}

// D30
#[tokio::test]
async fn filters_are_all_to_match() {
    let mut flow = Flow::start().await;
    let ada = json!({
        "end_user": { "id": "u1", "email": "ada@example.com", "display_name": "Ada Lovelace" },
        "organization": { "id": "o1", "display_name": "Analysts" },
        "tags": { "team": "blue", "plan": "pro" },
    });
    let ada = connect(&mut flow, "unauth", ada).await;
    let grace = json!({
        "end_user": { "id": "u2", "email": "grace@example.com", "display_name": "Grace_100%" },
        "tags": { "team": "blue" },
    });
    let grace = connect(&mut flow, "my%20integration", grace).await;
    let nobody = json!({ "tags": { "note": "\"team\":\"red\"", "team": "red" } });
    let nobody = connect(&mut flow, "unauth", nobody).await;
    let [ada, grace, nobody] = [ada.as_str(), grace.as_str(), nobody.as_str()];

    let by_id = format!("connectionId={ada}");
    let part_of_id = format!("search={}", &grace[4..20].to_uppercase());
    let none: &[&str] = &[];
    for (query, expected) in [
        ("", &[nobody, grace, ada][..]),
        (&by_id, &[ada]),
        (&format!("connectionId={}", &ada[1..]), none),
        (&part_of_id, &[grace]),
        ("search=lovelace", &[ada]),
        ("search=EXAMPLE.COM", &[grace, ada]),
        // It does not search the end user's id, the organization or tags.
        ("search=u1", none),
        ("search=analysts", none),
        ("search=blue", none),
        ("search=%25", &[grace]),
        ("search=_", &[grace]),
        ("search=.*", none),
        ("endUserId=u1", &[ada]),
        ("endUserId=U1", none),
        ("endUserOrganizationId=o1", &[ada]),
        ("integrationId=unauth", &[nobody, ada]),
        ("integrationId=oauth,%20my%20integration%20,unauth", &[nobody, grace, ada]),
        ("integrationId=nope", none),
        ("integrationId=%3C,a*b", none),
        ("integrationId=,%20,", none),
        ("tags[team]=blue", &[grace, ada]),
        ("tags[TEAM]=blue", &[grace, ada]),
        ("tags[team]=Blue", none),
        ("tags[team]=blue&tags[plan]=pro", &[ada]),
        // The whole value of a tag is compared, whatever it contains.
        ("tags[team]=blu", none),
        ("tags[eam]=blue", none),
        ("tags[team]=blue%22,%22plan%22:%22pro", none),
        ("tags[note]=%22team%22:%22red%22", &[nobody]),
        ("tags[team]=red", &[nobody]),
        ("tags[team]=blue&search=grace", &[grace]),
        ("tags[team]=blue&endUserId=u2&integrationId=unauth", none),
    ] {
        assert_eq!(ids(&list(&flow, query).await), expected, "{query}");
    }
}

// D44
#[tokio::test]
async fn tags_stay_in_the_order_in_which_they_were_sent() {
    let mut flow = Flow::start().await;
    let session = json!({
        "end_user": { "id": "u1", "tags": { "Zone": "b" } },
        "tags": { "plan": "pro", "END_USER_ID": "x", "area": "a" },
    });
    let id = connect(&mut flow, "unauth", session).await;
    // Derived tags come first, and a replaced value keeps its place.
    let tags = r#""tags":{"end_user_id":"x","zone":"b","plan":"pro","area":"a"}"#;
    let path = tests::flow::connection_path("unauth", &id);
    let read = async |flow: &Flow| flow.ask("GET", &path, None).await.body;
    assert!(read(&flow).await.contains(tags));
    assert!(list(&flow, "").await.body.contains(tags));
    // Webhooks have all their keys sorted.
    let sorted = r#""tags":{"area":"a","end_user_id":"x","plan":"pro","zone":"b"}"#;
    assert!(flow.world.take_events().await[0].body.contains(sorted));

    let change = json!({ "tags": { "zz": "1", "b": "2", "aaa": "3" } });
    assert_eq!(flow.ask("PATCH", &path, Some(&change)).await.status, 200);
    assert!(read(&flow).await.contains(r#""tags":{"zz":"1","b":"2","aaa":"3"}"#));

    let again = json!({
        "connection_id": id, "integration_id": "unauth", "tags": { "y": "1", "x": "2" },
    });
    let token = flow.world.reconnect(again).await.token();
    flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    assert!(read(&flow).await.contains(r#""tags":{"y":"1","x":"2"}"#));
}

#[tokio::test]
async fn a_filter_names_at_most_a_hundred_integrations() {
    let mut flow = Flow::start().await;
    let id = connect(&mut flow, "unauth", json!({ "tags": {} })).await;
    let named = |count: usize| {
        let keys: Vec<_> = (1..count).map(|number| format!("no-{number}")).collect();
        format!("/connections?integrationId=unauth,unauth,{}", keys.join(","))
    };
    let reply = flow.ask("GET", &named(100), None).await;
    assert_eq!((reply.status, ids(&reply)), (200, vec![id]));
    let reply = flow.ask("GET", &named(101), None).await;
    let message = "Too big: expected array to have <=100 items";
    let issue = json!({ "code": "too_big", "message": message, "path": ["integrationId"] });
    let expected = json!({ "error": { "code": "invalid_query_params", "errors": [issue] } });
    assert_eq!((reply.status, reply.json()), (400, expected));
}

#[tokio::test]
async fn a_malformed_query_is_told_in_full() {
    let flow = Flow::start().await;
    let too_small = |kind: &str| format!("Too small: expected {kind} to have >=1 characters");
    let number = "Invalid input: expected number, received NaN";
    for (query, code, message, path) in [
        ("connectionId=", "too_small", &*too_small("string"), json!(["connectionId"])),
        ("search=", "too_small", &*too_small("string"), json!(["search"])),
        ("endUserId=", "too_small", &*too_small("string"), json!(["endUserId"])),
        ("limit=0", "too_small", "Too small: expected number to be >=1", json!(["limit"])),
        ("limit=2001", "too_big", "Too big: expected number to be <=2000", json!(["limit"])),
        ("limit=x", "invalid_type", number, json!(["limit"])),
        ("page=x", "invalid_type", number, json!(["page"])),
        ("page=-1", "too_small", "Too small: expected number to be >=0", json!(["page"])),
        (
            "tags[end_user_email]=x",
            "custom",
            "Tag \"end_user_email\" must be a valid email",
            json!(["tags"]),
        ),
        (
            "search=a&search=b",
            "invalid_type",
            "Invalid input: expected string, received array",
            json!(["search"]),
        ),
        ("foo=1", "unrecognized_keys", "Unrecognized key: \"foo\"", json!([])),
    ] {
        let reply = flow.ask("GET", &format!("/connections?{query}"), None).await;
        let issue = json!({ "code": code, "message": message, "path": path });
        let body = json!({ "error": { "code": "invalid_query_params", "errors": [issue] } });
        reply.assert(400, &body);
    }
    let names =
        ["connectionId", "search", "endUserId", "endUserOrganizationId", "integrationId", "limit"];
    let query: Vec<_> = names.iter().rev().map(|name| format!("{name}=")).collect();
    let reply = flow.ask("GET", &format!("/connections?{}", query.join("&")), None).await;
    let issues = reply.json()["error"]["errors"].clone();
    let paths = issues.as_array().expect("issues").iter().map(|issue| &issue["path"][0]);
    assert_eq!(paths.collect::<Vec<_>>(), names, "in the order of the contract");
}
