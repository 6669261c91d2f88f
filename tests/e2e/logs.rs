//! What the process logs, and what it never logs.

use serde_json::{Value, json};
use tests::wire::Wire;
use tests::{Call, Fault};

use crate::process::{Process, command};

const OPERATIONS: &str = include_str!("../../docs/operations.md");

#[tokio::test]
async fn one_line_is_logged_for_each_request_and_no_line_holds_a_credential() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut local = command(folder.path(), &["--listen", "127.0.0.1:0", "--in-memory"]);
    local.env("RUST_LOG", "trace");
    let mut process = Process::spawn(local);
    let client = reqwest::Client::new();
    let send = async |call: Call| call.send_over(&client, &process.url).await;
    let secret = "a value that nobody needs to know";
    let body = json!({ "end_user": { "id": secret }, "tags": { "t": secret } });
    let token = send(Call::create(&process.secret_key, &body)).await.token();
    assert_eq!(send(Call::get(&token)).await.status, 200);
    assert_eq!(send(Call::get(&process.secret_key)).await.status, 401);
    assert_eq!(send(Call::create(&token, &body)).await.status, 401);
    let hostile = Call::get(&token).header("host", "a.127.0.0.1:1").header("x-secret", secret);
    assert_eq!(send(hostile).await.status, 200);
    assert_eq!(send(Call::delete(&token)).await.status, 204);

    process.signal("TERM");
    assert!(process.wait().success());
    let output = process.output();
    let lines: Vec<Value> = output
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    for line in &lines {
        let line = line.to_string();
        let hex = &token[token.len() - 64..];
        for secret in [&process.secret_key, hex, secret] {
            assert!(!line.contains(secret), "{line}");
        }
    }
    // The first line is about the session that the banner's link opens.
    let summaries: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    let (first, summaries) = summaries.split_first().expect("lines");
    let seen: Vec<_> = (summaries.iter())
        .map(|line| (line["route"].as_str(), line["status"].as_u64(), line["outcome"].as_str()))
        .collect();
    let unknown = Some("invalid_connect_session_token_format");
    assert_eq!(
        seen,
        [
            (Some("POST /connect/sessions"), Some(201), Some("ok")),
            (Some("GET /connect/session"), Some(200), Some("ok")),
            (Some("GET /connect/session"), Some(401), unknown),
            (Some("POST /connect/sessions"), Some(401), Some("invalid_secret_key_format")),
            (Some("GET /connect/session"), Some(200), Some("ok")),
            (Some("DELETE /connect/session"), Some(204), Some("ok")),
        ]
    );
    let mut fields: Vec<_> = documented_fields().collect();
    let line = first.as_object().expect("an object");
    assert_eq!(line.keys().collect::<Vec<_>>(), fields.iter().collect::<Vec<_>>());
    metrics_name_fields_of_the_line(first);
    queries_name_fields_of_the_line(&mut fields);
    assert_eq!(first["dynamodb_calls"], json!(3));
    assert_eq!(summaries[1]["session_id"], summaries[0]["session_id"]);
}

/// An item whose end user is JSON, but not an end user.
const READABLE: &str = r#"{"Item":{
    "session_id":{"S":"b3d7a0d2-6a06-4ce5-8a2f-4f4c6f2e7b11"},
    "environment_id":{"S":"b3d7a0d2-6a06-4ce5-8a2f-4f4c6f2e7b11"},
    "minted_by":{"S":"b3d7a0d2-6a06-4ce5-8a2f-4f4c6f2e7b11"},
    "created_at_ms":{"N":"1"}, "expires_at_ms":{"N":"9000000000000"},
    "tags":{"M":{"plan":{"S":"secret-tag"}}}, "end_user":{"S":"\"ada@example.com\""}
}}"#;

/// Answers of DynamoDB, each damaged in another way that a parser reports.
const DAMAGED: [&str; 10] = [
    r#"{"Item":{"email":{"S":"ada@example.com"},"tags":{"M":{"plan":{"S":"secret-tag"}}},"#,
    r#"{"Item":{"email":{"S":"ada@example.com"},"token_hash":{"B":"c2VjcmV0LWhhc2g=="}}}"#,
    r#"{"Item":{"email":{"S":"ada@example.com\ud800secret-tag"}}}"#,
    r#"{"Item":{"email":{"S":"ada@example.com\xsecret-tag"}}}"#,
    r#"{"Item":{"email":{"S":"ada@example.com"}},"ConsumedCapacity":{"CapacityUnits":"secret-tag"}}"#,
    r#"{"Item":{"email":{"ada@example.com":"secret-tag"}}}"#,
    r#"{"Item":{"email":{"BOOL":"ada@example.com"}}}"#,
    r#"{"Item":["ada@example.com","secret-tag"]}"#,
    READABLE,
    r#"{"Item":{"email":{"S":"ada@example.com"},"tags":{"S":"secret-tag"}}}"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_answer_of_dynamodb_is_500_and_its_log_line_quotes_nothing() {
    let engine = local::dynamodb::Engine::start(None).await.expect("an engine");
    let wire = Wire::to(engine.address).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut local = command(folder.path(), &["--listen", "127.0.0.1:0"]);
    local.args(["--dynamodb", &format!("http://{}", wire.address)]).env("RUST_LOG", "trace");
    let mut process = Process::spawn(local);
    let client = reqwest::Client::new();
    let body = json!({ "end_user": { "id": "u", "email": "ada@example.com" },
                       "tags": { "plan": "secret-tag" } });
    let call = Call::create(&process.secret_key, &body);
    let token = call.send_over(&client, &process.url).await.token();
    let faults = DAMAGED.map(Fault::Answer);
    for fault in faults.into_iter().chain([Fault::Halved]) {
        wire.fail([fault; 3]);
        let reply = Call::get(&token).send_over(&client, &process.url).await;
        assert_eq!(reply.status, 500, "{fault:?}");
        wire.fail([]);
    }
    process.signal("TERM");
    assert!(process.wait().success());
    let log = process.stderr();
    let told = log.lines().filter(|line| line.contains(r#""message":"request failed""#));
    assert_eq!(told.count(), DAMAGED.len() + 1);
    for secret in ["ada@", "secret-tag", "c2VjcmV0", "secret-hash", "token_hash"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// The first column of the table in `docs/operations.md`.
fn documented_fields() -> impl Iterator<Item = String> {
    let section = OPERATIONS.split("## Metrics").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap_or_default().to_owned())
}

/// Asserts what the specification of the format requires: dimensions are strings, metrics numbers.
fn metrics_name_fields_of_the_line(line: &Value) {
    let metrics = &line["_aws"];
    assert!(metrics["Timestamp"].is_u64());
    for directive in metrics["CloudWatchMetrics"].as_array().expect("directives") {
        assert_eq!(directive["Namespace"], json!("connect-sessions"));
        for dimension in directive["Dimensions"][0].as_array().expect("dimensions") {
            assert!(line[dimension.as_str().expect("a name")].is_string(), "{dimension}");
        }
        for metric in directive["Metrics"].as_array().expect("metrics") {
            assert!(line[metric["Name"].as_str().expect("a name")].is_number(), "{metric}");
        }
    }
}

/// Every word of a documented query is a keyword of the query language or a field.
fn queries_name_fields_of_the_line(fields: &mut Vec<String>) {
    const LANGUAGE: &str = "fields filter stats sort limit by as desc and not in bin count sum avg \
                            max pct 1m 5m 1h like";
    fields.extend(LANGUAGE.split_whitespace().map(str::to_owned));
    let queries: Vec<_> = (OPERATIONS.split("```").skip(1).step_by(2))
        .filter(|block| block.contains("message = \"request"))
        .collect();
    assert!(queries.len() >= 6);
    for query in queries {
        // Quoted words are values, and a word after `as` is a name that the query defines.
        let unquoted: String = query.split('"').step_by(2).collect();
        let mut given = false;
        for word in unquoted.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let is_known = word.parse::<u32>().is_ok() || fields.iter().any(|field| field == word);
            if given {
                fields.push(word.to_owned());
            } else {
                assert!(word.is_empty() || is_known, "{word} in {query}");
            }
            given = word == "as";
        }
    }
}
