//! Each parser compared with its rule in another form: the contract's own regular expressions.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use regex_lite::Regex;
use serde_json::{Map, Value, json};
use session::connection::ConnectionId;
use session::fields::{Issue, Issues};
use session::integration::IntegrationKey;
use session::secret_key::SecretKey;
use session::tags::{Tags, read_end_user_tags};
use session::token::SessionToken;
use session::{email, fields};

use super::{BOTH, check, key, near, text, units};

/// A regular expression, compiled once.
macro_rules! regex {
    ($pattern:expr) => {{
        static REGEX: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a pattern"));
        &*REGEX
    }};
}

/// Compares the result of a parser with that of its rule, and returns it as an outcome.
#[track_caller]
fn same(is_accepted: bool, is_good: bool) -> &'static str {
    assert_eq!(is_accepted, is_good, "accepted: {is_accepted}, good: {is_good}");
    if is_good { "good" } else { "bad" }
}

#[test]
fn a_session_token_is_the_prefix_and_64_lowercase_hex_digits() {
    let tokens = prop_oneof![
        4 => near("nango_connect_session_[a-f0-9]{64}"),
        1 => "nango_connect_session_[a-fA-F0-9]{63,65}",
        1 => text(),
    ];
    check(tokens, &BOTH, |text| {
        let is_good = regex!("^nango_connect_session_[a-f0-9]{64}$").is_match(&text);
        same(SessionToken::parse(&text).is_ok_and(|token| token.expose() == text), is_good)
    });
}

#[test]
fn a_secret_key_is_a_hyphenated_uuid_v4_in_either_case() {
    let keys = prop_oneof![
        4 => near("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"),
        2 => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        1 => "(urn:uuid:|\\{)?[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}\\}?",
        1 => text(),
    ];
    check(keys, &BOTH, |text| {
        let rule =
            regex!("^(?i)[0-9A-F]{8}-[0-9A-F]{4}-[4][0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$");
        let is_accepted = SecretKey::parse(&text).is_ok_and(|key| key.expose() == text);
        same(is_accepted, rule.is_match(&text))
    });
}

#[test]
fn an_email_address_is_what_the_pattern_of_the_contract_matches() {
    let addresses = prop_oneof![
        4 => near("[A-Za-z0-9_'+.-]{0,4}[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]{0,3}\\.){1,3}[A-Za-z]{2,3}"),
        2 => "[a'.+@-]{1,4}@[a.-]{1,4}\\.[a1-]{1,3}",
        1 => text(),
    ];
    check(addresses, &BOTH, |text| {
        let mut issues = Issues::default();
        let read = email::read(Some(json!(text)), &mut issues);
        let is_read = issues.finish(read).is_ok_and(|address| address == text);
        assert_eq!(is_read, email::is_valid(&text));
        same(is_read, is_email(&text))
    });
}

#[test]
fn an_integration_key_is_what_the_pattern_of_the_contract_matches() {
    let keys = prop_oneof![
        4 => near("[a-zA-Z0-9~:.@ _-]{1,12}"),
        1 => "[a-z ]{254,257}",
        1 => text(),
    ];
    check(keys, &BOTH, |text| {
        let mut expected = Vec::new();
        if !has_characters_of_integration_key(&text) {
            expected.push("Invalid string: must match pattern /^[a-zA-Z0-9~:.@ _-]+$/");
        }
        if units(&text) > 255 {
            expected.push("Too big: expected string to have <=255 characters");
        }
        let mut issues = Issues::default();
        let read = IntegrationKey::read(Some(json!(text)), &mut issues);
        assert_eq!(messages(issues.finish(read)), expected);
        same(IntegrationKey::parse(&text).is_some(), expected.is_empty())
    });
}

#[test]
fn a_connection_id_is_what_the_pattern_of_the_contract_matches() {
    let ids = prop_oneof![
        4 => near("[a-zA-Z0-9,.;:=+~\\[\\]|@${}\"'\\\\/_ -]{1,12}"),
        1 => "[a-z ]{254,257}",
        1 => text(),
    ];
    check(ids, &BOTH, |text| {
        let mut expected = Vec::new();
        if !has_characters_of_connection_id(&text) {
            expected.push(
                r#"Invalid string: must match pattern /^[a-zA-Z0-9,.;:=+~[\]|@${}"'\\/_ -]+$/"#,
            );
        }
        if units(&text) > 255 {
            expected.push("Too big: expected string to have <=255 characters");
        }
        let mut issues = Issues::default();
        let read = ConnectionId::read(Some(json!(text)), &mut issues);
        let messages = messages(issues.finish(read));
        assert_eq!(messages, expected);
        same(messages.is_empty(), expected.is_empty())
    });
}

#[test]
fn a_tag_key_is_what_the_pattern_of_the_contract_matches() {
    let keys = prop_oneof![
        4 => near("[a-zA-Z][a-zA-Z0-9_./-]{0,8}"),
        1 => "[a-zA-Z_]{63,66}",
        1 => key(),
    ];
    check(keys, &BOTH, |key| {
        let is_good = key == "__proto__" || is_tag_key(&key);
        let value = json!({ key.as_str(): "a@example.com" });
        let mut issues = Issues::default();
        let read = Tags::read(Some(value.clone()), &mut issues);
        let read = issues.finish(read);
        if let Ok(tags) = &read {
            let lowercase = (key != "__proto__").then(|| key.to_lowercase());
            assert_eq!(tags.iter().map(|(key, _)| key.clone()).next(), lowercase);
        }
        let mut issues = Issues::default();
        let own = read_end_user_tags(Some(value), &mut issues);
        let own = issues.finish(own);
        if let Ok(tags) = &own {
            assert_eq!(tags.keys().next(), Some(&key).filter(|key| *key != "__proto__"));
        }
        same(own.is_ok(), is_good);
        same(read.is_ok(), is_good)
    });
}

#[test]
fn tags_are_judged_together_as_well() {
    let key = prop_oneof![
        4 => "[a-dA-D][a-b]?",
        1 => Just("End_User_Email".to_owned()),
        1 => near("[a-z]{1,4}"),
    ];
    let value = prop_oneof![
        4 => "[a-z]{1,3}".prop_map(Value::from),
        2 => "[a-z]{1,3}@[a-z]{1,3}\\.[a-z]{1,3}".prop_map(Value::from),
        1 => text().prop_map(Value::from),
        1 => Just(json!(1)),
    ];
    let tags = prop_oneof![vec((key.clone(), value.clone()), 0..4), vec((key, value), 8..16)];
    let tags = tags.prop_map(Map::from_iter);
    check((tags, 0..2_usize), &BOTH, |(tags, least)| {
        let mut lowercase: Vec<_> = tags.keys().map(|key| key.to_lowercase()).collect();
        lowercase.sort();
        lowercase.dedup();
        let is_good = tags.len() <= 10
            && lowercase.len() == tags.len()
            && tags.iter().all(|(key, value)| {
                is_tag_key(key)
                    && value.as_str().is_some_and(|value| {
                        (least..=255).contains(&units(value))
                            && (key.to_lowercase() != "end_user_email" || is_email(value))
                    })
            });
        let mut issues = Issues::default();
        let tags = Some(Value::Object(tags));
        let is_accepted = if least == 1 {
            let read = Tags::read(tags, &mut issues);
            issues.finish(read).is_ok()
        } else {
            let read = read_end_user_tags(tags, &mut issues);
            issues.finish(read).is_ok()
        };
        same(is_accepted, is_good)
    });
}

#[test]
fn each_character_is_taken_where_a_pattern_of_the_contract_takes_it() {
    let is_read = |id: &str| {
        let mut issues = Issues::default();
        let read = ConnectionId::read(Some(json!(id)), &mut issues);
        issues.finish(read).is_ok()
    };
    let is_tag = |key: &str| {
        let mut issues = Issues::default();
        let read = Tags::read(Some(json!({ key: "value" })), &mut issues);
        issues.finish(read).is_ok()
    };
    for c in ('\0'..'\u{250}').chain("\u{212a}。１😀".chars()) {
        for text in [format!("{c}"), format!("{c}a"), format!("a{c}"), format!("a{c}a")] {
            let is_key = has_characters_of_integration_key(&text);
            assert_eq!(IntegrationKey::parse(&text).is_some(), is_key, "{text:?}");
            assert_eq!(is_read(&text), has_characters_of_connection_id(&text), "{text:?}");
            assert_eq!(is_tag(&text), is_tag_key(&text), "{text:?}");
            for address in [
                format!("{text}@example.com"),
                format!("name@{text}.com"),
                format!("name@example.{text}"),
                format!("name@{text}"),
            ] {
                assert_eq!(email::is_valid(&address), is_email(&address), "{address:?}");
            }
        }
    }
}

#[test]
fn lengths_are_counted_in_utf16_code_units() {
    check(text(), &["text"], |text| {
        assert_eq!(fields::utf16_length(&text), units(&text));
        "text"
    });
}

/// The pattern of integration keys.
fn has_characters_of_integration_key(text: &str) -> bool {
    regex!("^[a-zA-Z0-9~:.@ _-]+$").is_match(text)
}

/// The pattern of connection ids.
fn has_characters_of_connection_id(text: &str) -> bool {
    regex!(r#"^[a-zA-Z0-9,.;:=+~\[\]|@$\{\}"'\\/_ -]+$"#).is_match(text)
}

/// The rule for tag keys.
fn is_tag_key(key: &str) -> bool {
    regex!("^[a-zA-Z][a-zA-Z0-9_\\-./]*$").is_match(key) && units(key) <= 64
}

/// The rule for e-mail addresses, without its two lookaheads.
pub fn is_email(text: &str) -> bool {
    let rule =
        regex!(r"^([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$");
    !text.starts_with('.') && !text.contains("..") && rule.is_match(text) && units(text) >= 5
}

fn messages<T>(read: Result<T, Vec<Issue>>) -> Vec<String> {
    let issues = read.err().into_iter().flatten();
    issues.map(|issue| issue.message.into_owned()).collect()
}
