//! How the cost of a create grows: with its body, with its tags, with the environment.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::Failure;
use crate::measure::{self, Measured};
use crate::plot::{Series, plot};
use crate::process::{Process, Program};
use crate::world::{SECRET_KEY, World, event};

/// Sizes of request bodies, in bytes.
const BODIES: [usize; 5] = [200, 1_000, 4_000, 16_000, 64_000];
/// Numbers of tags; ten is the most.
const TAGS: [usize; 4] = [0, 1, 5, 10];
/// Numbers of integrations in the environment.
const INTEGRATIONS: [usize; 4] = [1, 100, 1_000, 10_000];

/// The cost of one create.
struct Cost {
    of: usize,
    kilo_instructions: Measured,
    calls: Vec<String>,
    write_units: f64,
    read_units: f64,
    answer_bytes: usize,
}

/// The tables, and the plot of the instructions.
pub fn measure(program: impl Fn(&World) -> Program) -> Result<(String, String), Failure> {
    let world = World::start(&["github".to_owned()])?;
    let create = program(&world);
    let bodies = BODIES.iter().map(|&size| warm(&world, &create, size, &body_of(size)));
    let bodies = bodies.collect::<Result<Vec<_>, _>>()?;
    let tags = TAGS.iter().map(|&count| warm(&world, &create, count, &tagged(count)));
    let tags = tags.collect::<Result<Vec<_>, _>>()?;

    let (mut known, mut unread) = (Vec::new(), Vec::new());
    let mut provisioned = 1;
    for count in INTEGRATIONS {
        let names: Vec<_> = (provisioned..count).map(|n| format!("integration-{n:05}")).collect();
        world.provision(&names)?;
        provisioned = count;
        known.push(first(&world, &create, count, "github")?);
        if count > 200 {
            unread.push(first(&world, &create, count, &format!("integration-{:05}", count - 1))?);
        }
    }

    let mut text = String::new();
    for (title, costs) in [
        ("a warm create, by bytes of its body", &bodies),
        ("a warm create, by number of tags", &tags),
        ("a create that reads its key and environment, by integrations of it", &known),
        ("the same, naming an integration that is not among the first 200", &unread),
    ] {
        table(&mut text, title, costs);
    }
    let series = |name, costs: &[Cost]| Series {
        name,
        points: costs.iter().map(|cost| (cost.of as f64, cost.kilo_instructions.value)).collect(),
    };
    let plot = plot(
        "instructions of a create, thousands",
        &[
            series("warm, by bytes of the body", &bodies),
            series("cold, by integrations", &known),
            series("cold, naming one not read", &unread),
        ],
    );
    Ok((text, plot))
}

fn table(text: &mut String, title: &str, costs: &[Cost]) {
    let _ = write!(
        text,
        "| {title} | instructions, k | DynamoDB calls | write units | read units | longest answer, \
         bytes |\n|--:|--:|---|--:|--:|--:|\n"
    );
    for cost in costs {
        let Cost { of, kilo_instructions, write_units, read_units, answer_bytes, .. } = cost;
        let calls = cost.calls.join(", ");
        let _ = writeln!(
            text,
            "| {of} | {kilo_instructions:.0} | {calls} | {write_units} | {read_units} | \
             {answer_bytes} |"
        );
    }
    text.push('\n');
}

/// A create in a warm container.
fn warm(world: &World, program: &Program, of: usize, body: &Value) -> Result<Cost, Failure> {
    let event = event("POST /connect/sessions", SECRET_KEY, Some(body))?;
    let process = Process::start(program)?;
    process.api.invoke(&event)?;
    world.endpoint.counts();
    process.api.invoke(&event)?;
    let cost = cost(world, of);
    world.endpoint.replay(true);
    let instructions = measure::instructions_of_one(world, program, &event, [11, 31])?;
    world.endpoint.replay(false);
    Ok(Cost { kilo_instructions: instructions.in_units_of(1e3), ..cost })
}

/// A create in a container without caches.
fn first(world: &World, program: &Program, of: usize, named: &str) -> Result<Cost, Failure> {
    let body = json!({ "tags": { "plan": "pro" }, "allowed_integrations": [named] });
    let event = event("POST /connect/sessions", SECRET_KEY, Some(&body))?;
    let process = Process::start(program)?;
    world.endpoint.counts();
    process.api.invoke(&event)?;
    let cost = cost(world, of);
    world.endpoint.replay(true);
    let forgetful = program.clone().with("REGISTRY_CACHE_SECONDS", "0");
    let instructions = measure::instructions_of_one(world, &forgetful, &event, [11, 31])?;
    world.endpoint.replay(false);
    Ok(Cost { kilo_instructions: instructions.in_units_of(1e3), ..cost })
}

fn cost(world: &World, of: usize) -> Cost {
    let counts = world.endpoint.counts();
    Cost {
        of,
        kilo_instructions: Measured::default(),
        calls: counts.calls,
        write_units: counts.write_units,
        read_units: counts.read_units,
        answer_bytes: counts.answer_bytes_max,
    }
}

/// A body of this size, most of it in the one field of any form.
fn body_of(size: usize) -> Value {
    let body = |filler: String| {
        json!({
            "tags": { "plan": "pro" },
            "allowed_integrations": ["github"],
            "integrations_config_defaults": { "github": { "connection_config": { "x": filler } } },
        })
    };
    let rest = body(String::new()).to_string().len();
    body("x".repeat(size - rest))
}

fn tagged(count: usize) -> Value {
    let tags: serde_json::Map<_, _> =
        (0..count).map(|n| (format!("tag-{n}"), json!("a value of some length"))).collect();
    json!({ "tags": tags, "allowed_integrations": ["github"] })
}
