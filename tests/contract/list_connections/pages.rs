//! The pages of the list: by number, by cursor, and how long one is at most.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::Flow;

use super::{connect, ids, list};

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
