//! Measures the release binaries against their budgets: see `docs/benchmarks.md`.
//!
//! - `bench check`, `bench check-sealing`: checks each must of the functions, or of those that are
//!   named. Fails if one is broken.
//! - `bench table`: writes all measurements, with a default Rust function and Node for comparison,
//!   into `docs/benchmarks.md`.
//! - `bench picture`: draws the table of `docs/benchmarks.md` into `docs/budgets.svg`.
//! - `bench choices`: measures what `bench/choices/build` has built.
//! - `bench scale`: measures how the cost of a create grows.
//! - `bench connections`: measures listing, reading and making connections with 1, 1,000 and
//!   100,000 of them.
//! - `bench load`: measures `local` under the load of `wrk`.
//! - `bench cost`: writes the cost of a million sessions into `docs/cost.md`.

#![expect(clippy::print_stdout, reason = "it prints what it measures")]
#![expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]

mod budget;
mod connections;
mod cost;
mod document;
mod dynamodb;
mod functions;
mod http;
mod load;
mod measure;
mod picture;
mod plot;
mod process;
mod provider;
mod runtime_api;
mod scale;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::slice;

use budget::{Kind, Row, broken, table};
use functions::Function;
use process::Program;
use world::World;

/// Why nothing was measured.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    let command = std::env::args().nth(1).unwrap_or_default();
    match command.as_str() {
        "check" => check(&world()?, Kind::Session),
        "check-sealing" => check(&world()?, Kind::Sealing),
        "table" => all(&world()?),
        "picture" => picture(),
        "choices" => choices(&world()?),
        "scale" => scale(),
        "connections" => connections(),
        "load" => load(),
        "cost" => cost(&world()?, &std::env::args().skip(2).collect::<Vec<_>>()),
        _ => {
            let usage = "bench check [NAME ...] | check-sealing [NAME ...] | table | picture | \
                         choices | scale | connections | load | cost [NAME=VALUE ...]";
            Err(format!("usage: {usage}").into())
        }
    }
}

/// The environment of a customer.
fn world() -> Result<World, Failure> {
    World::start(&["github", "slack", "hubspot"].map(str::to_owned))
}

/// The effect of each choice of the set-up: `create-session` as it is, and without that choice.
fn choices(world: &World) -> Result<ExitCode, Failure> {
    let create = functions::create_event()?;
    let builds = target()?.join("choices");
    let mut rows = Vec::new();
    for (name, build) in [
        ("as it is", "as-it-is"),
        ("the SDK's default features", "sdk-defaults"),
        ("AWS-LC in place of ring", "aws-lc"),
        ("no connection before the first call", "not-primed"),
        ("the machine's roots", "as-it-is"),
        ("chain of providers", "provider-chain"),
        ("runtime of threads", "threads"),
    ] {
        let binary = builds.join(build);
        let mut program = world.program(slice::from_ref(&binary));
        if name == "the machine's roots" {
            program = program.with("SSL_CERT_FILE", &world.with_machine_roots()?);
        }
        rows.push(Subject::session(name, program, &binary, &create).row(world)?);
    }
    let table = table(Kind::Session, &rows);
    println!("{table}");
    document::write(&root().join("docs/benchmarks.md"), "choices", &table)?;
    Ok(ExitCode::SUCCESS)
}

fn scale() -> Result<ExitCode, Failure> {
    let binary = target()?.join("release/create-session");
    let (tables, plot) = scale::measure(|world| world.program(slice::from_ref(&binary)))?;
    println!("{tables}");
    std::fs::write(root().join("docs/scale.svg"), plot)?;
    document::write(&root().join("docs/benchmarks.md"), "scale", &tables)?;
    Ok(ExitCode::SUCCESS)
}

fn connections() -> Result<ExitCode, Failure> {
    let (tables, plot) = connections::measure(&target()?)?;
    println!("{tables}");
    std::fs::write(root().join("docs/connections.svg"), plot)?;
    document::write(&root().join("docs/benchmarks.md"), "connections", &tables)?;
    Ok(ExitCode::SUCCESS)
}

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Cargo's target folder, in which this program was built.
fn target() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(2).ok_or("no target folder")?.to_owned())
}

fn load() -> Result<ExitCode, Failure> {
    let table = load::measure(&target()?.join("release/local"))?;
    println!("{table}");
    document::write(&root().join("docs/benchmarks.md"), "load", &table)?;
    Ok(ExitCode::SUCCESS)
}

/// With other prices, the tables are only printed.
fn cost(world: &World, prices: &[String]) -> Result<ExitCode, Failure> {
    let functions = functions::sessions(world, &target()?)?;
    let model = cost::model(world, &functions, prices)?;
    println!("{model}");
    if prices.is_empty() {
        document::write(&root().join("docs/cost.md"), "model", &model)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check(world: &World, kind: Kind) -> Result<ExitCode, Failure> {
    let functions = match kind {
        Kind::Session => Vec::from(functions::sessions(world, &target()?)?),
        _ => Vec::from(functions::sealing(world, &target()?)?),
    };
    let names: Vec<_> = std::env::args().skip(2).collect();
    let is_named =
        |function: &Function| names.is_empty() || names.iter().any(|n| n == function.name);
    let functions: Vec<_> = functions.into_iter().filter(is_named).collect();
    let rows = functions.iter().map(|function| Subject::of(world, function).counted(world));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    println!("{}", table(kind, &rows));
    Ok(exit_code(verdict(&rows, &functions)))
}

fn all(world: &World) -> Result<ExitCode, Failure> {
    let measured = |functions: &[Function]| {
        let rows = functions.iter().map(|function| Subject::of(world, function).row(world));
        rows.collect::<Result<Vec<_>, _>>()
    };
    let sealing = functions::sealing(world, &target()?)?;
    let sealing_rows = measured(&sealing)?;
    let sealing_table = table(Kind::Sealing, &sealing_rows);
    println!("{sealing_table}");
    document::write(&root().join("docs/benchmarks.md"), "sealing", &sealing_table)?;
    let functions = functions::sessions(world, &target()?)?;
    let mut rows = measured(&functions)?;
    let is_held = verdict(&rows, &functions) & verdict(&sealing_rows, &sealing);
    let event = &functions[0].event;
    let peers = root().join("bench/peers");
    let binary = peers.join("default-rust/target/release/default-rust");
    let program = world.program(slice::from_ref(&binary));
    rows.push(Subject::session("default Rust", program, &binary, event).row(world)?);
    let bundle = peers.join("node/node_modules/.bundle/main.mjs");
    let program = world.program(&[PathBuf::from("node"), bundle.clone()]);
    rows.push(Subject::session("Node 20", program, &bundle, event).row(world)?);
    let table = table(Kind::Session, &rows);
    println!("{table}");
    document::write(&root().join("docs/benchmarks.md"), "table", &table)?;
    picture()?;
    Ok(exit_code(is_held))
}

/// Draws the table in the document.
fn picture() -> Result<ExitCode, Failure> {
    let file = root().join("docs/benchmarks.md");
    let (list, svg) = picture::draw(&std::fs::read_to_string(&file)?)?;
    std::fs::write(root().join("docs/budgets.svg"), svg)?;
    document::write(&file, "figures", &list)?;
    Ok(ExitCode::SUCCESS)
}

/// A measured program, whose code is one file, and its event.
struct Subject<'a> {
    name: &'static str,
    kind: Kind,
    program: Program,
    file: &'a Path,
    event: &'a str,
}

impl<'a> Subject<'a> {
    fn of(world: &World, function: &'a Function) -> Self {
        let Function { name, kind, binary: file, event, .. } = function;
        Self { name, kind: *kind, program: world.program(slice::from_ref(file)), file, event }
    }

    /// A program that makes sessions, ours or a peer.
    fn session(name: &'static str, program: Program, file: &'a Path, event: &'a str) -> Self {
        Self { name, kind: Kind::Session, program, file, event }
    }

    /// Measures everything.
    fn row(&self, world: &World) -> Result<Row, Failure> {
        let row = self.counted(world)?;
        Ok(Row { throttled: measure::throttled(world, &self.program, self.event), ..row })
    }

    /// Measures everything that does not depend on the speed of the machine.
    fn counted(&self, world: &World) -> Result<Row, Failure> {
        eprintln!("counting {}", self.name);
        // A start of an interpreter takes half a minute under valgrind, so its warm calls are not
        // counted.
        let is_binary = self.program.command.len() == 1;
        let mut counted = measure::counted(world, &self.program, self.event, is_binary)?;
        let (size, zipped) = measure::sizes(self.file)?;
        (counted.binary_mb, counted.zip_mb) = (Some(size), Some(zipped));
        let memory = measure::memory(world, &self.program, self.event)?;
        Ok(Row { name: self.name, kind: self.kind, counted, memory, throttled: None })
    }
}

/// Whether every must is kept. Prints each that is not.
fn verdict(rows: &[Row], functions: &[Function]) -> bool {
    let broken: Vec<_> = rows
        .iter()
        .zip(functions)
        .flat_map(|(row, function)| broken(row, function.first_calls, function.warm_calls))
        .collect();
    for sentence in &broken {
        println!("broken: {sentence}");
    }
    broken.is_empty()
}

fn exit_code(is_held: bool) -> ExitCode {
    if is_held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
