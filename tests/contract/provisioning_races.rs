//! Two documents for one environment at the same time. Every order of their reads and transactions
//! is tried: the wire holds each call until the test releases it.

use std::collections::{HashMap, HashSet};

use local::State;
use provision::{Failure, Report};
use serde_json::{Value, json};
use session::secret_key::{SecretKey, SecretKeyHash};
use tests::wire::{Held, Wire};
use tests::{Call, World};

/// The choices that make up one order. The next order changes the last choice that has a further
/// option, and takes the first option in those after it, so every order comes once.
#[derive(Default)]
struct Order {
    choices: Vec<(usize, usize)>,
    made: usize,
}

impl Order {
    fn choose(&mut self, options: usize) -> usize {
        if self.made == self.choices.len() {
            self.choices.push((0, options));
        }
        self.made += 1;
        self.choices[self.made - 1].0
    }

    fn next(&mut self) -> bool {
        self.made = 0;
        while let Some((choice, options)) = self.choices.pop() {
            if choice + 1 < options {
                self.choices.push((choice + 1, options));
                return true;
            }
        }
        false
    }
}

/// The documents that an operator applies, one after the other.
async fn apply(
    state: &'static State,
    documents: Vec<Value>,
    world: &World,
) -> Vec<Result<Report, Failure>> {
    let mut results = Vec::new();
    for document in documents {
        results.push(
            provision::apply(&state.connect.app, &state.connect.vault, document, world.now).await,
        );
    }
    results
}

/// Runs two operators, each in a container of its own, in one order of their calls.
async fn together(
    world: &World,
    containers: &[(&'static State, Wire); 2],
    documents: [Vec<Value>; 2],
    order: &mut Order,
) -> Vec<Result<Report, Failure>> {
    let mut gates = [containers[0].1.hold(), containers[1].1.hold()];
    let [one, two] = documents;
    let one = Box::pin(apply(containers[0].0, one, world));
    let two = Box::pin(apply(containers[1].0, two, world));
    let mut operators = [Some(one), Some(two)];
    let mut waiting = [None, None];
    let mut results = Vec::new();
    // Two successive reads can be swapped without any effect. So if the second operator reads
    // first, the first operator's read waits for a write in between.
    let mut is_behind = false;
    loop {
        for index in 0..2 {
            let Some(operator) = &mut operators[index] else { continue };
            if waiting[index].is_none() {
                tokio::select! {
                    held = gates[index].recv() => waiting[index] = held,
                    done = operator => {
                        results.extend(done);
                        operators[index] = None;
                    }
                }
            }
        }
        let next = match &waiting {
            [None, None] => return results,
            [Some(_), None] => 0,
            [None, Some(_)] => 1,
            [Some(_), Some(_)] if is_behind => 1,
            [Some(one), Some(two)] => {
                let next = order.choose(2);
                is_behind = next == 1 && !writes(one) && !writes(two);
                next
            }
        };
        if let Some(held) = waiting[next].take() {
            is_behind &= !writes(&held);
            held.release().await;
        }
    }
}

fn writes(held: &Held) -> bool {
    held.operation == "TransactWriteItems"
}

/// The secrets in the answers to the operators.
fn told(results: &[Result<Report, Failure>]) -> Vec<(String, String)> {
    let secrets = |report: &Report| -> Vec<_> {
        let secrets = report.secrets.iter();
        secrets.map(|told| (told.name.clone(), told.secret.clone())).collect()
    };
    results
        .iter()
        .flat_map(|result| match result {
            Ok(report) => secrets(report),
            Err(Failure::Stopped(stopped)) => {
                assert!(stopped.unconfirmed.is_none(), "{stopped:?}");
                secrets(&stopped.applied)
            }
            Err(failure) => panic!("{failure:?}"),
        })
        .collect()
}

/// The names and secrets in a document.
fn given_keys(document: &Value) -> Vec<(String, String)> {
    let keys = document["environments"][0]["secret_keys"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    keys.filter_map(|key| Some((text(&key["name"])?, text(&key["secret"])?))).collect()
}

/// Asserts that every stored key was in an answer, and that its name refers to it in an environment
/// that has a name.
async fn assert_no_orphans(world: &World, told: &HashSet<SecretKeyHash>) {
    let items = world.dump().await;
    let text = |item: &HashMap<_, aws_sdk_dynamodb::types::AttributeValue>, name: &str| {
        item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
    };
    let of = |sk: &str| -> Vec<_> {
        items.iter().filter(|item| text(item, "sk").starts_with(sk)).collect()
    };
    let environments: HashSet<_> =
        of("NAME#").into_iter().map(|item| text(item, "environment_id")).collect();
    let names: HashSet<_> = (of("CREDENTIAL#").into_iter())
        .map(|item| (text(item, "pk"), text(item, "sk"), text(item, "key_hash")))
        .collect();
    let told: HashSet<_> = told.iter().map(SecretKeyHash::as_str).collect();
    let keys: Vec<_> = items.iter().filter(|item| text(item, "sk") == "KEY").collect();
    assert_eq!(keys.len(), names.len());
    for key in keys {
        let (id, pk) = (text(key, "environment_id"), text(key, "pk"));
        let hash = pk.strip_prefix("KEY#").expect("a hash").to_owned();
        assert!(told.contains(hash.as_str()), "a key that nobody was told");
        assert!(environments.contains(&id), "a key of an environment without a name");
        let credential = format!("CREDENTIAL#{}", text(key, "name"));
        assert!(names.contains(&(format!("ENV#{id}"), credential, hash)), "a key without a name");
    }
    for settings in items.iter().filter(|item| text(item, "sk") == "ENV") {
        let pk = text(settings, "pk");
        assert!(environments.contains(pk.strip_prefix("ENV#").expect("an id")), "no name");
    }
}

/// Runs two operators in every order, each time in an environment of its own.
async fn in_every_order(
    before: impl Fn(&str) -> Vec<Value>,
    operators: impl Fn(&str) -> [Vec<Value>; 2],
    may_conflict: bool,
) -> usize {
    let no_cache = |name: &str| (name == "REGISTRY_CACHE_SECONDS").then_some("0");
    let world = World::with(no_cache).await;
    let containers = [world.other_container().await, world.other_container().await];
    let mut known: HashSet<_> = [&world.secret_key, &world.secret_key_no_scope]
        .map(|secret| SecretKey::parse(secret).expect("a key").hash())
        .into();
    let mut order = Order::default();
    let mut orders = 0;
    loop {
        let name = format!("environment {orders}");
        let earlier = apply(world.state, before(&name), &world).await;
        let documents = operators(&name);
        let given: Vec<_> = documents.iter().flatten().flat_map(given_keys).collect();
        let results = together(&world, &containers, documents, &mut order).await;
        let is_good = results.iter().all(|result| result.is_ok() || may_conflict);
        assert!(is_good, "{:?}: {results:?}", order.choices);
        let told: Vec<_> = told(&earlier).into_iter().chain(told(&results)).chain(given).collect();
        known.extend(told.iter().map(|(_, secret)| SecretKey::parse(secret).expect("one").hash()));
        assert_no_orphans(&world, &known).await;

        let works = async |secret: &str| {
            world.send(Call::create(secret, &json!({ "tags": {} }))).await.status == 201
        };
        // A working key can be revoked by its name, and nothing revives it.
        if let Some((key, secret)) = told.last() {
            if works(secret).await {
                let gone = json!({ "secret_keys": [{ "name": key, "state": "absent" }] });
                world.provision(environment(&name, gone)).await.expect("a good document");
                assert!(!works(secret).await, "{:?}: a revoked key works", order.choices);
            }
            for document in [absent(&name), environment(&name, json!({}))] {
                world.provision(document).await.expect("a good document");
            }
            assert!(!works(secret).await, "{:?}: a revoked key works again", order.choices);
        }
        world.provision(absent(&name)).await.expect("a good document");
        orders += 1;
        if !order.next() {
            return orders;
        }
    }
}

fn environment(name: &str, mut content: Value) -> Value {
    content["name"] = json!(name);
    json!({ "environments": [content] })
}

fn with_key(name: &str) -> Value {
    environment(name, json!({ "secret_keys": [{ "name": "server" }] }))
}

fn absent(name: &str) -> Value {
    environment(name, json!({ "state": "absent" }))
}

#[tokio::test]
async fn both_add_a_key_of_the_same_name() {
    let empty = |name: &str| vec![environment(name, json!({}))];
    let orders =
        in_every_order(empty, |name| [vec![with_key(name)], vec![with_key(name)]], false).await;
    assert!(orders >= 6, "{orders}");
}

#[tokio::test]
async fn both_make_the_environment() {
    let orders =
        in_every_order(|_| Vec::new(), |name| [vec![with_key(name)], vec![with_key(name)]], false)
            .await;
    assert!(orders >= 4, "{orders}");
}

#[tokio::test]
async fn one_adds_a_key_and_one_removes_the_environment_and_makes_it_again() {
    let orders = in_every_order(
        |name| vec![with_key(name)],
        |name| {
            let second = json!({ "secret_keys": [{ "name": "second" }] });
            [vec![environment(name, second)], vec![absent(name), with_key(name)]]
        },
        false,
    )
    .await;
    assert!(orders >= 25, "{orders}");
}

#[tokio::test]
async fn one_replaces_a_key_and_one_removes_it() {
    let orders = in_every_order(
        |name| vec![with_key(name)],
        |name| {
            let secret = SecretKey::generate();
            let key = json!({ "name": "server", "secret": secret.expose() });
            let replaced = environment(name, json!({ "secret_keys": [key, { "name": "more" }] }));
            let gone = json!({ "name": "server", "state": "absent", "sessions": "end" });
            [vec![replaced], vec![environment(name, json!({ "secret_keys": [gone] }))]]
        },
        false,
    )
    .await;
    assert!(orders >= 8, "{orders}");
}

#[tokio::test]
async fn one_adds_so_many_keys_that_the_other_comes_between_its_transactions() {
    let orders = in_every_order(
        |name| vec![with_key(name)],
        |name| {
            let keys: Vec<_> = (0..50).map(|n| json!({ "name": format!("key {n}") })).collect();
            [vec![environment(name, json!({ "secret_keys": keys }))], vec![absent(name)]]
        },
        true,
    )
    .await;
    assert!(orders >= 33, "{orders}");
}
