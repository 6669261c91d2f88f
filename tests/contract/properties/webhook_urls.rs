//! The parser of webhook URLs, with a list of networks and every way to write an address.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use session::webhook_url::{self, Refusal};

use super::{BOTH, check, text};

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
/// Networks whose addresses contain an IPv4 address, and the bit at which it begins.
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

/// An address inside, at the edge of, or outside a blocked network.
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

/// A spelling of an IPv4 address that a URL parser accepts.
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
