//! The answers that token endpoints give in practice, and how they are read.

use connect::token_answer::{NoToken, TokenAnswer};
use jiff::Timestamp;
use outbound::Answer;
use serde_json::{Value, json};
use session::provider::Provider;

const ASKED_AT: &str = "2026-11-22T12:00:00Z";

fn provider(template: &Value) -> Provider {
    let mut whole = json!({ "auth_mode": "OAUTH2" });
    whole.as_object_mut().expect("an object").extend(template.as_object().expect("one").clone());
    Provider::from_template("p", &whole.to_string()).expect("a provider")
}

fn read_as(template: &Value, status: u16, body: &str) -> Result<TokenAnswer, NoToken> {
    let answer = Answer {
        status: http::StatusCode::from_u16(status).expect("a status"),
        headers: http::HeaderMap::new(),
        body: body.to_owned().into(),
    };
    TokenAnswer::read(&provider(template), &answer, ASKED_AT.parse().expect("a moment"))
}

fn read(body: &str) -> Result<TokenAnswer, NoToken> {
    read_as(&json!({}), 200, body)
}

#[test]
fn lifetimes_of_every_kind() {
    let hour = Some("2026-11-22T13:00:00Z");
    for (part, expected) in [
        (r#""expires_in": 3600"#, hour),
        (r#""expires_in": "3600""#, hour),
        (r#""expires_in": " 3600 ""#, hour),
        (r#""expires_in": 3600.9"#, hour),
        (r#""expires_in": "3600.0""#, hour),
        (r#""expires_in": 0"#, Some(ASKED_AT)),
        (r#""expires_in": 1e300"#, Some("2036-11-29T12:00:00Z")),
        (r#""expires_in": -1"#, None),
        (r#""expires_in": "never""#, None),
        (r#""expires_in": null"#, None),
        (r#""expires_in": [3600]"#, None),
        (r#""expires_in": "NaN""#, None),
        (r#""expires_at": "2026-11-22T13:00:00Z", "expires_in": 5"#, hour),
        (r#""expires_at": "2026-11-22T14:00:00+01:00""#, hour),
        (r#""expires_at": 1795352400"#, hour),
        (r#""expires_at": 1795352400000"#, hour),
        (r#""expires_at": "1795352400""#, hour),
        (r#""expires_at": "soon", "expires_in": 3600"#, hour),
        (r#""expires_at": -5, "expires_in": 3600"#, hour),
        (r#""scope": "a""#, None),
    ] {
        let answer = read(&format!(r#"{{ "access_token": "t", {part} }}"#)).expect(part);
        let expected: Option<Timestamp> = expected.map(|text| text.parse().expect("a moment"));
        assert_eq!(answer.expires_at, expected, "{part}");
    }
}

#[test]
fn the_provider_s_file_tells_a_lifetime_that_the_answer_does_not() {
    let two_hours = json!({ "token_expires_in_ms": 7_200_000 });
    let expires_at = |body: &str| read_as(&two_hours, 200, body).expect("a token").expires_at;
    assert_eq!(expires_at(r#"{"access_token":"t"}"#), "2026-11-22T14:00:00Z".parse().ok());
    let told = r#"{"access_token":"t","expires_in":60}"#;
    assert_eq!(expires_at(told), "2026-11-22T12:01:00Z".parse().ok());
}

#[test]
fn an_error_is_one_whatever_its_status_and_its_form() {
    for (status, body, code) in [
        (400, r#"{"error":"invalid_grant"}"#, Some("invalid_grant")),
        (
            200,
            r#"{"error":"bad_verification_code","access_token":"t"}"#,
            Some("bad_verification_code"),
        ),
        (200, "error=bad_verification_code&error_description=x", Some("bad_verification_code")),
        (200, r#"{"ok":false,"error":"invalid_code"}"#, Some("invalid_code")),
        (200, r#"{"ok":false}"#, None),
        (401, r#"{"error":{"code":"invalid_client","message":"x"}}"#, Some("invalid_client")),
        (400, r#"{"error":{"code":400}}"#, None),
        (500, "{}", None),
        (400, r#"[{"message":"x"}]"#, None),
        (302, r#"{"access_token":"t"}"#, None),
    ] {
        match read_as(&json!({}), status, body) {
            Err(NoToken::Refused { error, status: told, .. }) => {
                assert_eq!((error.as_deref(), told.as_u16()), (code, status), "{body}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    // Not an error.
    for part in [r#""error":null"#, r#""error":"""#, r#""error":false"#, r#""ok":true"#] {
        let body = format!(r#"{{"access_token":"t",{part}}}"#);
        assert!(read(&body).is_ok(), "{body}");
    }
}

#[test]
fn answers_without_a_token() {
    for body in ["{}", "[]", "null", "3", r#"{"access_token":""}"#, r#"{"access_token":7}"#] {
        assert_eq!(read(body), Err(NoToken::Incomplete), "{body}");
    }
    for body in ["", "not json", "<html></html>", "a=b", "{\"access_token\":\"t\""] {
        assert_eq!(read(body), Err(NoToken::Unreadable), "{body}");
    }
}

#[test]
fn a_form_and_a_byte_order_mark() {
    let answer = read("access_token=t%2B1&expires_in=3600&refresh_token=r").expect("a token");
    assert_eq!((answer.access_token.as_str(), answer.refresh_token.as_deref()), ("t+1", Some("r")));
    assert_eq!(answer.expires_at, "2026-11-22T13:00:00Z".parse().ok());
    assert!(read("\u{feff}  {\"access_token\":\"t\"}\n").is_ok());
}

#[test]
fn refresh_tokens_that_are_none() {
    for part in
        [r#""refresh_token":null"#, r#""refresh_token":"""#, r#""refresh_token":5"#, r#""a":1"#]
    {
        let answer = read(&format!(r#"{{"access_token":"t",{part}}}"#)).expect("a token");
        assert_eq!(answer.refresh_token, None, "{part}");
    }
}

#[test]
fn a_nested_token_is_followed_where_there_is_none_at_the_top() {
    let template = json!({ "token_response": {
        "token": "user.token", "refresh_token": "user.refresh", "token_expiration": "user.expires",
    } });
    let nested = r#"{"ok":true,"user":{"token":"n","refresh":"r","expires":"60"}}"#;
    let answer = read_as(&template, 200, nested).expect("a token");
    assert_eq!((answer.access_token.as_str(), answer.refresh_token.as_deref()), ("n", Some("r")));
    assert_eq!(answer.expires_at, "2026-11-22T12:01:00Z".parse().ok());
    let both = r#"{"access_token":"top","user":{"token":"n","refresh":"r"}}"#;
    let answer = read_as(&template, 200, both).expect("a token");
    assert_eq!((answer.access_token.as_str(), answer.refresh_token.as_deref()), ("top", None));
}

#[test]
fn nothing_of_an_answer_is_printed() {
    let body = r#"{"access_token":"secret-a","refresh_token":"secret-r"}"#;
    let printed = format!("{:?}", read(body));
    assert!(!printed.contains("secret"), "{printed}");
    let refused = format!("{:?}", read(r#"{"error":"e","access_token":"secret-a"}"#));
    assert!(!refused.contains("secret"), "{refused}");
}
