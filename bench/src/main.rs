//! Measures the release binaries against their budgets: see `docs/benchmarks.md`.
//!
//! - `bench check`: what is noise-free, of the four endpoints. Fails when a must is broken.
//! - `bench table`: all of it, beside a default Rust function and Node, into `docs/benchmarks.md`.
//! - `bench one FILE ...`: all of it, of any other build of `create-session`.
//! - `bench scale`: how the cost of a create grows.
//! - `bench load`: `local` under `wrk`.
//! - `bench cost`: what a million sessions cost, into `docs/cost.md`.

#![expect(clippy::print_stdout, reason = "it prints what it measures")]
#![expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]

mod budget;
mod cost;
mod document;
mod dynamodb;
mod functions;
mod http;
mod load;
mod measure;
mod plot;
mod process;
mod runtime_api;
mod scale;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::slice;

use budget::{Row, broken, table};
use functions::{Function, create_body};
use world::World;

/// Why nothing was measured.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    let command = std::env::args().nth(1).unwrap_or_default();
    match command.as_str() {
        "check" => check(&world()?),
        "table" => all(&world()?),
        "one" => one(&world()?, &std::env::args().skip(2).map(PathBuf::from).collect::<Vec<_>>()),
        "scale" => scale(),
        "load" => load(),
        "cost" => cost(&world()?, &std::env::args().skip(2).collect::<Vec<_>>()),
        _ => {
            Err("usage: bench check | table | one FILE ... | scale | load | cost [NAME=VALUE ...]"
                .into())
        }
    }
}

/// The environment of a customer.
fn world() -> Result<World, Failure> {
    World::start(&["github", "slack", "hubspot"].map(str::to_owned))
}

/// Any other builds of `create-session`.
fn one(world: &World, binaries: &[PathBuf]) -> Result<ExitCode, Failure> {
    let create = world::event("POST /connect/sessions", world::SECRET_KEY, Some(&create_body()))?;
    for binary in binaries {
        let program = world.program(slice::from_ref(binary));
        let mut exact = measure::exact(world, &program, &create, true)?;
        let (size, zipped) = measure::sizes(binary)?;
        (exact.binary_mb, exact.zip_mb) = (Some(size), Some(zipped));
        let noisy = Some(measure::noisy(world, &program, &create)?);
        println!("{}\n{}", binary.display(), table(&[Row { name: "create", exact, noisy }]));
    }
    Ok(ExitCode::SUCCESS)
}

fn scale() -> Result<ExitCode, Failure> {
    let binary = root().join("target/release/create-session");
    let (tables, plot) = scale::measure(|world| world.program(slice::from_ref(&binary)))?;
    println!("{tables}");
    std::fs::write(root().join("docs/scale.svg"), plot)?;
    document::write(&root().join("docs/benchmarks.md"), "scale", &tables)?;
    Ok(ExitCode::SUCCESS)
}

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn load() -> Result<ExitCode, Failure> {
    let table = load::measure(&root().join("target/release/local"))?;
    println!("{table}");
    document::write(&root().join("docs/benchmarks.md"), "load", &table)?;
    Ok(ExitCode::SUCCESS)
}

/// With other prices it only prints.
fn cost(world: &World, prices: &[String]) -> Result<ExitCode, Failure> {
    let functions = functions::all(world, &root().join("target"))?;
    let model = cost::model(world, &functions, prices)?;
    println!("{model}");
    if prices.is_empty() {
        document::write(&root().join("docs/cost.md"), "model", &model)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check(world: &World) -> Result<ExitCode, Failure> {
    let functions = functions::all(world, &root().join("target"))?;
    let rows =
        functions.iter().map(|function| exact(world, function)).collect::<Result<Vec<_>, _>>()?;
    println!("{}", table(&rows));
    Ok(verdict(&rows, &functions))
}

fn all(world: &World) -> Result<ExitCode, Failure> {
    let functions = functions::all(world, &root().join("target"))?;
    let mut rows = Vec::new();
    for function in &functions {
        let program = world.program(slice::from_ref(&function.binary));
        let noisy = measure::noisy(world, &program, &function.event)?;
        rows.push(Row { noisy: Some(noisy), ..exact(world, function)? });
    }
    let code = verdict(&rows, &functions);
    let create = &functions[0].event;
    let peers = root().join("bench/peers");
    let default_rust = peers.join("default-rust/target/release/default-rust");
    let bundle = peers.join("node/node_modules/.bundle/main.mjs");
    let node = [PathBuf::from("node"), bundle];
    let peers = [("default Rust", vec![default_rust]), ("Node 20", node.to_vec())];
    for (name, command) in peers {
        let program = world.program(&command);
        // A start of Node takes half a minute under valgrind; one is enough.
        let is_binary = command.len() == 1;
        let mut exact = measure::exact(world, &program, create, is_binary)?;
        let (size, zipped) = measure::sizes(&command[command.len() - 1])?;
        (exact.binary_mb, exact.zip_mb) = (Some(size), Some(zipped));
        let noisy = Some(measure::noisy(world, &program, create)?);
        rows.push(Row { name, exact, noisy });
    }
    let table = table(&rows);
    println!("{table}");
    document::write(&root().join("docs/benchmarks.md"), "table", &table)?;
    Ok(code)
}

fn exact(world: &World, function: &Function) -> Result<Row, Failure> {
    let program = world.program(slice::from_ref(&function.binary));
    let mut exact = measure::exact(world, &program, &function.event, true)?;
    let (size, zipped) = measure::sizes(&function.binary)?;
    (exact.binary_mb, exact.zip_mb) = (Some(size), Some(zipped));
    Ok(Row { name: function.name, exact, noisy: None })
}

fn verdict(rows: &[Row], functions: &[Function]) -> ExitCode {
    let broken: Vec<_> = rows
        .iter()
        .zip(functions)
        .flat_map(|(row, function)| broken(row, function.first_calls, function.warm_calls))
        .collect();
    for sentence in &broken {
        println!("broken: {sentence}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
