//! Each parser against another statement of its rule: the contract's own regular expressions, and
//! for webhook URLs a list of networks and every way to write an address.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use regex_lite::Regex;
use serde_json::{Map, Value, json};
use session::connection::ConnectionId;
use session::fields::{Issue, Issues};
use session::integration::IntegrationKey;
use session::secret_key::SecretKey;
use session::tags::{Tags, read_end_user_tags};
use session::token::SessionToken;
use session::webhook_url::{self, Refusal};
use session::{email, fields};

use super::{check, key, near, text, units};

/// A regular expression, compiled once.
macro_rules! regex {
    ($pattern:expr) => {{
        static REGEX: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a pattern"));
        &*REGEX
    }};
}

/// Compares what a parser says with what its rule says, and names it.
#[track_caller]
fn same(is_accepted: bool, is_good: bool) -> &'static str {
    assert_eq!(is_accepted, is_good, "accepted: {is_accepted}, good: {is_good}");
    if is_good { "good" } else { "bad" }
}

const BOTH: [&str; 2] = ["good", "bad"];

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

/// The networks that no webhook may reach.
const BLOCKED_V4: [(&str, u32); 7] = [
    ("0.0.0.0", 8),
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
];
const BLOCKED_V6: [(&str, u32); 5] =
    [("::", 128), ("::1", 128), ("fe80::", 10), ("fc00::", 7), ("2001::", 32)];
/// Networks whose addresses hold an IPv4 address, and the bit at which it begins.
const EMBEDDING: [(&str, u32, u32); 4] =
    [("::", 96, 96), ("::ffff:0:0", 96, 96), ("64:ff9b::", 96, 96), ("2002::", 16, 16)];

#[test]
fn a_webhook_url_reaches_no_internal_ipv4_address_however_it_is_written() {
    let urls = (v4(), v4_spelling(), port_and_path());
    check(urls, &BOTH, |(address, spelling, tail)| {
        let host = spelling.write(address);
        let expected = (!is_blocked_v4(address)).then(|| format!("http://{address}{tail}"));
        judge_host(&host, &tail, expected)
    });
}

#[test]
fn a_webhook_url_reaches_no_internal_ipv6_address_however_it_is_written() {
    let embedding = (select(&EMBEDDING[..]), v4(), any::<u128>()).prop_map(
        |((network, prefix, at), v4, low)| {
            let start = network.parse::<Ipv6Addr>().expect("an address").to_bits();
            let v4 = u128::from(v4.to_bits()) << (96 - at);
            let rest = if at == prefix && at < 96 { low & (u128::MAX >> (at + 32)) } else { 0 };
            Ipv6Addr::from_bits(start | v4 | rest)
        },
    );
    let near_blocked = (select(&BLOCKED_V6[..]), any::<u128>(), 0..4_u8).prop_map(
        |((network, prefix), low, edge)| {
            let start = network.parse::<Ipv6Addr>().expect("an address").to_bits();
            let host_bits = u128::MAX.checked_shr(prefix).unwrap_or(0);
            Ipv6Addr::from_bits(match edge {
                0 => start.wrapping_sub(1),
                1 => (start | host_bits).wrapping_add(1),
                _ => start | (low & host_bits),
            })
        },
    );
    let any = any::<u128>().prop_map(Ipv6Addr::from_bits);
    let address = prop_oneof![3 => embedding, 2 => near_blocked, 1 => any];
    check((address, 0..4_u8, port_and_path()), &BOTH, |(address, spelling, tail)| {
        let [.., a, b, c, d] = address.octets();
        let groups = address.segments().map(|group| format!("{group:x}"));
        let host = match spelling {
            0 => format!("[{address}]"),
            1 => format!("[{address}]").to_uppercase(),
            2 => format!("[{}]", address.segments().map(|g| format!("{g:04x}")).join(":")),
            _ => format!("[{}:{a}.{b}.{c}.{d}]", groups[..6].join(":")),
        };
        let expected = (!is_blocked_v6(address)).then(|| format!("http://{host}{tail}"));
        judge_host(&host, &tail, expected)
    });
}

#[test]
fn a_webhook_url_reaches_no_internal_name_and_nothing_of_nango() {
    let name = prop_oneof![
        3 => select(&["nango.dev", "localhost", "metadata.google.internal"][..])
            .prop_map(str::to_owned),
        1 => "[a-z]{1,6}\\.example",
    ];
    let prefix = prop_oneof![3 => Just(String::new()), 2 => "[a-z]{1,3}\\.", 1 => "[a-z]{1,3}"];
    let uppercase = vec(any::<bool>(), 40);
    let names = (prefix, name, uppercase, 0..3_usize, port_and_path());
    let outcomes = ["good", "bad", "Nango's"];
    check(names, &outcomes, |(prefix, name, uppercase, dots, tail)| {
        let name = prefix + &name;
        let is_nangos = name == "nango.dev" || name.ends_with(".nango.dev");
        let is_internal = name == "localhost" || name == "metadata.google.internal";
        let dots = ".".repeat(dots);
        let written: String = (name.chars().zip(uppercase))
            .map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c })
            .collect();
        let parsed = webhook_url::parse(&json!(format!("http://{written}{dots}{tail}")));
        if is_nangos {
            assert_eq!(parsed, Err(Refusal::NangoDomain));
            return "Nango's";
        }
        let expected = (!is_internal).then(|| format!("http://{name}{dots}{tail}"));
        judge_host(&format!("{written}{dots}"), &tail, expected)
    });
}

#[test]
fn a_webhook_url_is_http_and_is_stored_in_a_form_that_stays_as_it_is() {
    let other = ["HTTPS:", "ftp:", "ws:", "file:", "data:", "javascript:", "x:", ""];
    let scheme = prop_oneof![3 => select(&["http:", "https:"][..]), 1 => select(other.to_vec())];
    let piece = prop_oneof![
        select(&["//", "/", "\\", "?", "#", "@", ":", "%2e", "%00", " ", "\t", "[", "é"][..])
            .prop_map(str::to_owned),
        "[a-z0-9.]{1,6}",
        text(),
    ];
    let host = option::weighted(0.8, Just("//example.com"));
    let last = select(&["", "", "/", " ", "/ ", "\\"][..]);
    let urls = (scheme, host, vec(piece, 0..6), last).prop_map(|(scheme, host, pieces, last)| {
        format!("{scheme}{}{}{last}", host.unwrap_or_default(), pieces.concat())
    });
    let urls = prop_oneof![1 => Just(String::new()), 9 => urls];
    check(urls, &["stored", "none", "refused"], |sent| match webhook_url::parse(&json!(sent)) {
        Ok(Some(stored)) => {
            assert!(stored.starts_with("http://") || stored.starts_with("https://"), "{stored}");
            let with_slash = format!("{stored}/");
            let whole = url::Url::parse(&sent).expect("a URL").to_string();
            let expected = if whole.ends_with('/') && !sent.ends_with('/') {
                with_slash
            } else {
                stored.clone()
            };
            assert_eq!(expected, whole);
            assert_eq!(webhook_url::parse(&json!(stored)), Ok(Some(stored)));
            "stored"
        }
        Ok(None) => {
            assert_eq!(sent, "");
            "none"
        }
        Err(_) => "refused",
    });
}

/// Parses `http://{host}{tail}` and compares: `None` is a refusal.
#[track_caller]
fn judge_host(host: &str, tail: &str, expected: Option<String>) -> &'static str {
    let url = format!("http://{host}{tail}");
    match (webhook_url::parse(&json!(url)), expected) {
        (Ok(Some(stored)), Some(expected)) => {
            let normal = url::Url::parse(&expected).expect("a URL").to_string();
            let slash = if normal.ends_with('/') && !url.ends_with('/') { "/" } else { "" };
            assert_eq!(stored + slash, normal);
            "good"
        }
        (Err(Refusal::NotAllowed), None) => "bad",
        (parsed, expected) => panic!("{url}: {parsed:?}, not {expected:?}"),
    }
}

/// An address in, at the edge of, or out of a blocked network.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    let near_blocked = (select(&BLOCKED_V4[..]), any::<u32>(), 0..4_u8).prop_map(
        |((network, prefix), low, edge)| {
            let start = network.parse::<Ipv4Addr>().expect("an address").to_bits();
            let host_bits = u32::MAX >> prefix;
            Ipv4Addr::from_bits(match edge {
                0 => start.wrapping_sub(1),
                1 => (start | host_bits).wrapping_add(1),
                _ => start | (low & host_bits),
            })
        },
    );
    prop_oneof![3 => near_blocked, 1 => any::<u32>().prop_map(Ipv4Addr::from_bits)]
}

fn is_blocked_v4(address: Ipv4Addr) -> bool {
    BLOCKED_V4.iter().any(|(network, prefix)| {
        let network = network.parse::<Ipv4Addr>().expect("an address").to_bits();
        (network ^ address.to_bits()) >> (32 - prefix) == 0
    })
}

fn is_blocked_v6(address: Ipv6Addr) -> bool {
    let is_in = |network: &str, prefix: u32| {
        let network = network.parse::<Ipv6Addr>().expect("an address").to_bits();
        (network ^ address.to_bits()) >> (128 - prefix) == 0
    };
    BLOCKED_V6.iter().any(|(network, prefix)| is_in(network, *prefix))
        || EMBEDDING.iter().any(|(network, prefix, at)| {
            let embedded = Ipv4Addr::from_bits((address.to_bits() >> (96 - at)) as u32);
            is_in(network, *prefix) && is_blocked_v4(embedded)
        })
}

/// One of the ways in which a URL parser reads an IPv4 address.
#[derive(Debug, Clone)]
struct Spelling {
    /// How many parts; the last holds whatever bytes are left.
    parts: usize,
    /// 8, 10 or 16, of each part.
    bases: Vec<u32>,
    disguise: u8,
}

fn v4_spelling() -> impl Strategy<Value = Spelling> {
    (1..=4_usize, vec(select(&[8, 10, 16][..]), 4), 0..5_u8)
        .prop_map(|(parts, bases, disguise)| Spelling { parts, bases, disguise })
}

impl Spelling {
    fn write(&self, address: Ipv4Addr) -> String {
        let octets = address.octets();
        let (single, rest) = octets.split_at(self.parts - 1);
        let last = rest.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet));
        let numbers = single.iter().map(|octet| u32::from(*octet)).chain([last]);
        let parts: Vec<_> = numbers
            .zip(&self.bases)
            .map(|(number, base)| match base {
                8 => format!("0{number:o}"),
                10 => format!("{number}"),
                _ => format!("0x{number:x}"),
            })
            .collect();
        let host = parts.join(".");
        match self.disguise {
            0 => host + ".",
            1 => host.bytes().fold(String::new(), |url, byte| format!("{url}%{byte:02x}")),
            2 => host.chars().map(fullwidth).collect(),
            3 => host.to_uppercase(),
            _ => host,
        }
    }
}

/// The same character for Chinese and Japanese text, which host names may be written in.
fn fullwidth(c: char) -> char {
    match c {
        '.' => '。',
        _ => char::from_u32(u32::from(c) - 0x21 + 0xff01).expect("a character"),
    }
}

fn port_and_path() -> impl Strategy<Value = String> {
    "(:[1-9][0-9]{3})?(/[a-z]{0,3}){0,2}(\\?[a-z]=[a-z]?)?"
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

/// The rule for e-mail addresses; its two lookaheads stand beside it.
pub fn is_email(text: &str) -> bool {
    let rule =
        regex!(r"^([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$");
    !text.starts_with('.') && !text.contains("..") && rule.is_match(text) && units(text) >= 5
}

fn messages<T>(read: Result<T, Vec<Issue>>) -> Vec<String> {
    let issues = read.err().into_iter().flatten();
    issues.map(|issue| issue.message.into_owned()).collect()
}
