//! The checks of a request before its credential is checked: contract section 5.

use serde_json::{Value, json};
use tests::{Call, World};

fn refusal(code: &str) -> Value {
    let message = match code {
        "invalid_content_type" => "Content-Type header must be application/json",
        "payload_too_large" => "Request body must be at most 262144 bytes",
        "unsupported_content_encoding" => "Content-Encoding must be identity",
        "unsupported_charset" => "charset must be utf-8",
        other => panic!("{other}"),
    };
    json!({ "error": { "code": code, "message": message } })
}

fn create(world: &World, content_type: &str, body: &str) -> Call {
    let call = Call::new("POST", "/connect/sessions").bearer(&world.secret_key);
    call.header("content-type", content_type).body(body.to_owned())
}

// D6 D7
#[tokio::test]
async fn only_json_in_utf_8_is_read() {
    let world = World::start().await;
    for content_type in [
        "application/json",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
        "application/json; boundary=x; Charset=utf-8",
        "application/json;",
        "application/json; charset=",
    ] {
        let call = create(&world, content_type, r#"{"tags":{}}"#);
        assert_eq!(world.send(call).await.status, 201, "{content_type}");
    }
    for (content_type, code) in [
        ("Application/JSON", "invalid_content_type"),
        ("text/plain", "invalid_content_type"),
        ("application/jsonx", "invalid_content_type"),
        ("application/json-patch+json", "invalid_content_type"),
        ("application/octet-stream", "invalid_content_type"),
        ("multipart/form-data; boundary=x", "invalid_content_type"),
        ("application/json; charset=latin1", "unsupported_charset"),
        ("application/json; charset=utf-16", "unsupported_charset"),
    ] {
        let call = create(&world, content_type, r#"{"tags":{}}"#);
        world.send(call).await.assert(415, &refusal(code));
    }
    // On every endpoint, before the credential is checked.
    for (method, path) in [
        ("POST", "/connect/sessions"),
        ("POST", "/connect/sessions/reconnect"),
        ("GET", "/connect/session"),
        ("DELETE", "/connect/session"),
    ] {
        let call = Call::new(method, path).header("content-type", "text/plain");
        world.send(call).await.assert(415, &refusal("invalid_content_type"));
    }
}

// D5
#[tokio::test]
async fn a_compressed_body_is_refused() {
    let world = World::start().await;
    for encoding in ["gzip", "deflate", "br", "x-unknown", "identity, gzip"] {
        let call =
            create(&world, "application/json", "anything").header("content-encoding", encoding);
        world.send(call).await.assert(415, &refusal("unsupported_content_encoding"));
    }
    for encoding in ["identity", "Identity"] {
        let call = create(&world, "application/json", r#"{"tags":{}}"#);
        assert_eq!(world.send(call.header("content-encoding", encoding)).await.status, 201);
    }
}

// D4
#[tokio::test]
async fn a_body_may_have_256_kib() {
    let world = World::start().await;
    let body = |length: usize| {
        let frame = r#"{"tags":{},"integrations_config_defaults":{"github":{"connection_config":{"x":""}}}}"#;
        frame.replace("\"\"", &format!("\"{}\"", "y".repeat(length - frame.len())))
    };
    let call = create(&world, "application/json", &body(262_144));
    let token = world.send(call).await.token();
    assert!(world.get(&token).await.body.len() > 262_000);
    let call = create(&world, "application/json", &body(262_145));
    world.send(call).await.assert(413, &refusal("payload_too_large"));
    // Also without a credential, and as bytes that are no text.
    let call = create(&world, "application/json", "").without("authorization");
    let call = call.body(vec![0xff; 262_145]);
    world.send(call).await.assert(413, &refusal("payload_too_large"));
}

#[tokio::test]
async fn a_large_body_of_any_shape_fits_an_item() {
    let world = World::start().await;
    let config = |config: String| {
        format!(
            r#"{{"tags":{{}},"integrations_config_defaults":{{"github":{{"connection_config":{{{config}}}}}}}}}"#
        )
    };
    let many = |item: &dyn Fn(usize) -> String, count: usize| {
        (0..count).map(item).collect::<Vec<_>>().join(",")
    };
    for body in [
        config(format!(r#""x":[{}]"#, many(&|_| "{}".to_owned(), 80_000))),
        config(many(&|n| format!(r#""k{n}":"\u0001""#), 12_000)),
        format!(
            r#"{{"tags":{{}},"allowed_integrations":[{}]}}"#,
            many(&|_| r#""a""#.to_owned(), 65_000)
        ),
        format!(r#"{{"tags":{{}},"webhook_url_override":"https://e.com/{}"}}"#, "é".repeat(10_000)),
    ] {
        assert!(body.len() <= 262_144);
        let token = world.send(create(&world, "application/json", &body)).await.token();
        assert_eq!(world.get(&token).await.status, 200);
    }
    // Numbers are stored written out.
    let body = config(format!(r#""x":[{}]"#, many(&|_| "1e15".to_owned(), 50_000)));
    let reply = world.send(create(&world, "application/json", &body)).await;
    reply.assert(413, &refusal("payload_too_large"));
}

#[tokio::test]
async fn keys_that_mean_something_to_the_parser_mean_nothing_here() {
    let world = World::start().await;
    let markers = json!({
        "raw": { "$serde_json::private::RawValue": "{\"a\":1}" },
        "number": { "$serde_json::private::Number": "12" },
    });
    let defaults = json!({ "github": { "connection_config": markers } });
    let body = json!({ "tags": {}, "integrations_config_defaults": defaults });
    let token = world.mint(body).await;
    let read = world.get(&token).await.body;
    assert!(read.contains(&format!(r#""integrations_config_defaults":{defaults}"#)), "{read}");
    let query = "/connect/session?$serde_json::private::RawValue={}";
    assert_eq!(world.send(Call::get(&token).path(query).header("x", "é")).await.status, 400);

    // JSON in a string in a string: each level is nested as deep as allowed.
    let mut nested = "1".to_owned();
    while nested.len() < 100_000 {
        let marker = json!({ "$serde_json::private::RawValue": nested });
        nested = format!("{}{marker}{}", "[".repeat(100), "]".repeat(100));
    }
    let body = format!(
        r#"{{"tags":{{}},"integrations_config_defaults":{{"a":{{"connection_config":{{"x":{nested}}}}}}}}}"#
    );
    let token = world.send(create(&world, "application/json", &body)).await.token();
    assert!(world.get(&token).await.body.contains(&nested));
}

#[tokio::test]
async fn json_nests_as_deep_as_it_says() {
    let world = World::start().await;
    let body = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let reply = world.send(create(&world, "application/json", &body(127))).await;
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!("invalid_body")));
    let reply = world.send(create(&world, "application/json", &body(128))).await;
    let message = "Request body is not JSON: recursion limit exceeded at line 1 column 128";
    reply.assert(400, &json!({ "error": { "code": "invalid_json", "message": message } }));
}

// D3 D19
#[tokio::test]
async fn what_is_not_json_is_told_with_line_and_column() {
    let world = World::start().await;
    for (body, message) in [
        ("{\n \"a\": }", "Request body is not JSON: expected value at line 2 column 7"),
        ("   ", "Request body is not JSON: EOF while parsing a value at line 1 column 3"),
        ("{} {}", "Request body is not JSON: trailing characters at line 1 column 4"),
        ("\"text\"", "Request body must be a JSON object: expected `{` at line 1 column 1"),
        ("7", "Request body must be a JSON object: expected `{` at line 1 column 1"),
        ("null", "Request body must be a JSON object: expected `{` at line 1 column 1"),
        (
            r#"{"a":"\ud800"}"#,
            "Request body is not JSON: unexpected end of hex escape at line 1 column 13",
        ),
    ] {
        let expected = json!({ "error": { "code": "invalid_json", "message": message } });
        let call = create(&world, "application/json", body);
        world.send(call.clone()).await.assert(400, &expected);
        // On every endpoint, also without a credential.
        let call = call.without("authorization");
        world.send(call.clone()).await.assert(400, &expected);
        for (method, path) in [("GET", "/connect/session"), ("DELETE", "/connect/session")] {
            let call =
                Call::new(method, path).header("content-type", "application/json").body(body);
            world.send(call).await.assert(400, &expected);
        }
    }
}

#[tokio::test]
async fn a_byte_order_mark_and_bytes_that_are_no_utf_8_are_read() {
    let world = World::start().await;
    let call = create(&world, "application/json", "\u{feff}{\"tags\":{}}");
    assert_eq!(world.send(call).await.status, 201);
    let call =
        create(&world, "application/json", "").body(&b"{\"end_user\":{\"id\":\"a\xffb\"}}"[..]);
    let token = world.send(call).await.token();
    assert_eq!(world.get(&token).await.json()["data"]["endUser"]["id"], json!("a\u{fffd}b"));
}

#[tokio::test]
async fn an_absent_body_is_told_from_an_empty_one() {
    let world = World::start().await;
    let undefined = |path: &[&str]| {
        json!([{ "code": "invalid_type",
                 "message": "Invalid input: expected object, received undefined", "path": path }])
    };
    let no_type = Call::new("POST", "/connect/sessions").bearer(&world.secret_key);
    world.send(no_type.clone().body("{\"tags\":{}}")).await.assert_issues(&undefined(&[]));
    world.send(no_type.clone().header("content-type", "")).await.assert_issues(&undefined(&[]));
    let empty = no_type.header("content-type", "application/json");
    world.send(empty.clone()).await.assert_issues(&undefined(&["end_user"]));
    world.send(empty.body("\u{feff}")).await.assert_issues(&undefined(&["end_user"]));
    // Without a length there is no body, which GET and DELETE accept.
    let token = world.mint(json!({ "tags": {} })).await;
    let get = Call::get(&token).header("content-type", "application/json");
    assert_eq!(world.send(get.clone()).await.status, 200);
    assert_eq!(world.send(get.clone().body("")).await.status, 200);
    assert_eq!(world.send(get.body("{}")).await.status, 200);
    let ignored = Call::get(&token).body("not json, and of no type");
    assert_eq!(world.send(ignored).await.status, 200);
}

#[tokio::test]
async fn every_query_parameter_is_refused_by_name() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    for (query, told) in [
        ("foo", "Unrecognized key: \"foo\""),
        ("foo=1&foo=2", "Unrecognized key: \"foo\""),
        ("b=1&a=2", "Unrecognized keys: \"b\", \"a\""),
        ("a[b]=1&a[c]=2", "Unrecognized key: \"a\""),
        ("a%5Bb%5D=1", "Unrecognized key: \"a\""),
        ("[b]=1", "Unrecognized key: \"b\""),
        ("[]=1&%5B%5D=2", "Unrecognized key: \"0\""),
        ("[=1", "Unrecognized key: \"[\""),
        ("a.b=1", "Unrecognized key: \"a.b\""),
        ("a+b=1&%C3%A9=2", "Unrecognized keys: \"a b\", \"é\""),
        ("=1&x=2", "Unrecognized key: \"x\""),
    ] {
        let issue = json!({ "code": "unrecognized_keys", "message": told, "path": [] });
        let error = json!({ "code": "invalid_query_params", "errors": [issue] });
        for path in ["/connect/session", "/connect/sessions", "/connect/sessions/reconnect"] {
            let credential = if path == "/connect/session" { &token } else { &world.secret_key };
            let method = if path == "/connect/session" { "GET" } else { "POST" };
            // It is checked before the body.
            let call = Call::new(method, &format!("{path}?{query}")).bearer(credential);
            let call = call.json(&json!({ "end_user": 1 }));
            world.send(call).await.assert(400, &json!({ "error": error }));
        }
    }
    for query in ["?", "?&", "?=1", "?=", "?&&=x", "?__proto__=1"] {
        let call = Call::get(&token).path(&format!("/connect/session{query}"));
        assert_eq!(world.send(call).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn no_host_header_or_query_ends_an_invocation() {
    let world = World::start().await;
    let token = world.mint(json!({ "tags": {} })).await;
    for host in ["a.127.0.0.1:1", "[::1", "%", "x y", "", "é"] {
        let call = Call::get(&token).header("host", host).header("x-forwarded-proto", "ht tp");
        assert_eq!(world.send(call).await.status, 200, "{host}");
    }
    let call = Call::get(&token).header("x-anything", "ü").header("cookie", "é");
    assert_eq!(world.send(call).await.status, 200);
}
