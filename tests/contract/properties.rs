//! Properties: rules that hold for any input, each tried with many random inputs.
//!
//! `PROPTEST_CASES` sets their number and `PROPTEST_RNG_SEED` the seed. A failure prints the
//! smallest failing input that was found; make a test of it. Each property lists outcomes that must
//! all occur, so that no property holds merely because its inputs are all alike.

mod bodies;
mod drawn_bodies;
mod events;
mod parsers;
mod webhook_urls;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};
use tests::World;
use tokio::runtime::Runtime;

/// Checks `property` with random inputs. It panics if it does not hold, and else returns the
/// outcome.
#[track_caller]
fn check<S: Strategy>(
    inputs: S,
    outcomes: &[&'static str],
    property: impl Fn(S::Value) -> &'static str,
) {
    const ENOUGH_CASES: u32 = 256;
    let config = Config { failure_persistence: None, ..Config::default() };
    let cases = config.cases;
    let seen = RefCell::new(BTreeSet::new());
    let mut runner = TestRunner::new(config);
    let result = runner.run(&inputs, |input| {
        let outcome = property(input);
        seen.borrow_mut().insert(outcome);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    if cases >= ENOUGH_CASES {
        assert_eq!(seen.into_inner(), outcomes.iter().copied().collect());
    }
}

/// The outcomes of an input that is accepted or refused.
const BOTH: [&str; 2] = ["good", "bad"];

/// The world of all cases that change nothing but sessions of their own.
fn world() -> (&'static Runtime, &'static World) {
    static WORLD: OnceLock<(Runtime, World)> = OnceLock::new();
    let (runtime, world) = WORLD.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let world = runtime.block_on(World::start());
        (runtime, world)
    });
    (runtime, world)
}

/// Any text: plain, odd, and of lengths around the limits of the contract.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 ._-]{0,12}",
        2 => vec(any::<char>(), 0..8).prop_map(String::from_iter),
        1 => (select(&['a', 'é', '😀', '\0'][..]), select(&[64, 65, 127, 128, 255, 256][..]))
            .prop_map(|(c, times)| std::iter::repeat_n(c, times).collect()),
    ]
    .boxed()
}

/// A key of an object: one of the contract, one that is special in JavaScript, or any text.
fn key() -> BoxedStrategy<String> {
    const KEYS: [&str; 25] = [
        "end_user",
        "id",
        "email",
        "display_name",
        "tags",
        "organization",
        "allowed_integrations",
        "integrations_config_defaults",
        "user_scopes",
        "authorization_params",
        "connection_config",
        "oauth_scopes_override",
        "webhook_url",
        "overrides",
        "docs_connect",
        "webhook_url_override",
        "connection_id",
        "integration_id",
        "github",
        "end_user_email",
        "__proto__",
        "constructor",
        "toString",
        "",
        "0",
    ];
    prop_oneof![3 => select(&KEYS[..]).prop_map(str::to_owned), 1 => text()].boxed()
}

/// Any JSON value.
fn json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec((key(), inner), 0..6).prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
    .boxed()
}

/// An object with any keys and values.
fn object() -> BoxedStrategy<Map<String, Value>> {
    vec((key(), json()), 0..4).prop_map(Map::from_iter).boxed()
}

/// `original`, or text that differs from it in a few places.
fn near(original: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    const ODD: &str = "aAfFgGzZ0479_-./\\@':=+~ [](){}|$,;%\"\n\0éſ\u{212a}ß１。…";
    let c = prop_oneof![4 => select(ODD.chars().collect::<Vec<_>>()), 1 => any::<char>()];
    let edit = (any::<Index>(), 0..4_u8, c);
    (original, vec(edit, 0..3)).prop_map(|(text, edits)| {
        let mut text: Vec<char> = text.chars().collect();
        for (index, kind, c) in edits {
            let at = index.index(text.len() + 1);
            match kind {
                0 => text.insert(at, c),
                1 => text.truncate(at),
                _ if at == text.len() => text.push(c),
                2 => text[at] = c,
                _ => drop(text.remove(at)),
            }
        }
        String::from_iter(text)
    })
}

/// The length as the contract counts it.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}
