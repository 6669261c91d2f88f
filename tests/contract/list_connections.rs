//! `GET /connections` (section 10 of the flow): filters and pages.

use std::collections::BTreeSet;

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
        // Neither the end user's id, nor the organization, nor tags.
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
        // A tag is compared whole, whatever stands in its value.
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
    // What is derived comes first; a value that is replaced keeps its place.
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
async fn pages_are_as_recorded() {
    let mut flow = Flow::start().await;
    let mut newest_first = Vec::new();
    for _ in 0..5 {
        newest_first.insert(0, connect(&mut flow, "unauth", json!({ "tags": {} })).await);
    }
    for (query, range) in [
        ("limit=2", 0..2),
        ("limit=2&page=0", 0..2),
        ("limit=2&page=1", 2..4),
        ("limit=2&page=2", 4..5),
        ("limit=2&page=3", 5..5),
        ("limit=2000", 0..5),
        ("limit=2&page=", 0..2),
    ] {
        assert_eq!(ids(&list(&flow, query).await), newest_first[range], "{query}");
    }
}

// D37
#[tokio::test]
async fn a_cursor_goes_on_where_an_answer_ended() {
    let mut flow = Flow::start().await;
    let mut newest_first = Vec::new();
    for number in 0..5 {
        let tags = json!({ "tags": { "parity": if number % 2 == 0 { "even" } else { "odd" } } });
        newest_first.insert(0, connect(&mut flow, "unauth", tags).await);
    }
    let even = [&newest_first[0], &newest_first[2], &newest_first[4]];
    // The same id in three integrations, made last.
    let same = "same".to_owned();
    for integration in ["unauth", "my integration", "basic-plain"] {
        let credentials = match integration {
            "basic-plain" => json!({ "type": "BASIC", "username": "", "password": "" }),
            _ => json!({ "type": "NONE" }),
        };
        let body = json!({
            "provider_config_key": integration, "connection_id": same, "credentials": credentials,
        });
        assert_eq!(flow.ask("POST", "/connections", Some(&body)).await.status, 201);
    }
    for (filter, limit, expected) in [
        ("&integrationId=unauth&search=-", 2, newest_first.iter().collect::<Vec<_>>()),
        ("&integrationId=unauth&search=-", 5, newest_first.iter().collect()),
        ("&tags[parity]=even", 1, even.to_vec()),
        ("&connectionId=same", 1, vec![&same; 3]),
        ("&connectionId=same", 2, vec![&same; 3]),
    ] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let reply = list(&flow, &format!("limit={limit}{filter}{cursor}")).await;
            let page = ids(&reply);
            assert!(page.len() <= limit, "{page:?}");
            seen.extend(page);
            assert!(seen.len() <= 8, "{filter} never ends: {seen:?}");
            match &reply.json()["next_cursor"] {
                Value::String(next) => {
                    let next: String =
                        url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                    cursor = format!("&cursor={next}");
                }
                none => {
                    assert_eq!(*none, Value::Null);
                    break;
                }
            }
        }
        assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    let reply = flow.ask("GET", "/connections?cursor=nonsense", None).await;
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(reply.json()["error"]["code"], "invalid_query_params");
}

// D37
#[tokio::test]
async fn an_answer_is_bounded_in_number_and_in_size() {
    let flow = Flow::start().await;
    let many: Vec<_> = (0..1_001).map(|number| format!("many-{number}")).collect();
    for chunk in many.chunks(100) {
        let connections: Vec<_> = chunk
            .iter()
            .map(|id| json!({ "connection_id": id, "integration_id": "unauth" }))
            .collect();
        let environment = json!({ "name": "dev", "connections": connections });
        let document = json!({ "environments": [environment] });
        flow.world.provision(document).await.expect("a good document");
    }
    let first = list(&flow, "").await;
    assert_eq!(ids(&first).len(), 1_000);
    let cursor = first.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
    let rest = list(&flow, &format!("cursor={cursor}")).await;
    let all: BTreeSet<_> = ids(&first).into_iter().chain(ids(&rest)).collect();
    assert_eq!(all.len(), 1_001);

    // Thirty connections with 200 kB of metadata each are more than Lambda can answer.
    for id in many.iter().take(30) {
        let body = json!({
            "connection_id": id,
            "provider_config_key": "unauth",
            "metadata": { "large": "x".repeat(200_000) },
        });
        let reply = flow.ask("POST", "/connections/metadata", Some(&body)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    let reply = list(&flow, "limit=2000").await;
    assert!(reply.body.len() <= 5 * 1024 * 1024, "{}", reply.body.len());
    assert!(reply.json()["next_cursor"].is_string());
}

/// As `Number` of JavaScript (ECMA-262 section 7.1.4), which the contract's server applies to both.
#[tokio::test]
async fn limit_and_page_are_numbers_as_javascript_reads_them() {
    let mut flow = Flow::start().await;
    for _ in 0..17 {
        connect(&mut flow, "unauth", json!({ "tags": {} })).await;
    }
    for (query, expected) in [
        ("limit=0x10", 16),
        ("limit=0X1", 1),
        ("limit=0o17", 15),
        ("limit=0b11", 3),
        ("limit=1e1", 10),
        ("limit=%2B5", 5),
        ("limit=%EF%BB%BF%09%C2%A05%0A", 5),
        ("limit[]=5", 5),
        ("limit=0x10&page=0x1", 1),
        ("limit=5&page=%20", 5),
    ] {
        let reply = list(&flow, query).await;
        assert_eq!(reply.status, 200, "{query} {reply:?}");
        assert_eq!(ids(&reply).len(), expected, "{query}");
    }
    let no_number = "Invalid input: expected number, received NaN";
    let infinite = "Invalid input: expected number, received number";
    for (text, message) in [
        ("0x", no_number),
        ("0xg", no_number),
        ("0x1.8", no_number),
        ("-0x10", no_number),
        ("0b2", no_number),
        ("1_0", no_number),
        ("inf", no_number),
        ("infinity", no_number),
        ("NaN", no_number),
        ("%C2%855", no_number),
        ("1&limit=2", no_number),
        ("Infinity", infinite),
        ("-Infinity", infinite),
        ("1e400", infinite),
        ("0b0", "Too small: expected number to be >=1"),
        ("0xfffffffffffffffffffff", "Too big: expected number to be <=2000"),
    ] {
        let reply = flow.ask("GET", &format!("/connections?limit={text}"), None).await;
        assert_eq!(reply.status, 400, "{text} {reply:?}");
        assert_eq!(reply.json()["error"]["errors"][0]["message"], message, "{text}");
    }
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
