//! The measurements: what is counted exactly, and what the machine has a say in.

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::dynamodb::Counts;
use crate::process::{Process, Program, Share};
use crate::world::World;

/// How often a function is started to see whether its first call has to wait for its CPU share.
const STARTS: usize = 10;

/// How often instructions are counted until nothing disturbs them.
const TRIES: usize = 12;
/// How many differences of disturbed runs have to be there for a median.
const DIFFERENCES: usize = 5;

/// What comes out the same on every run, up to one or two parts in a thousand.
#[derive(Debug, Clone, Default)]
pub struct Exact {
    /// The stripped binary, in MB; none for what is no single binary.
    pub binary_mb: Option<f64>,
    /// The same, compressed as for an upload.
    pub zip_mb: Option<f64>,
    /// Instructions from the start to the request for the first event, in millions.
    pub init_m: f64,
    /// The same, to the end of the first call.
    pub first_m: f64,
    /// Instructions of a later call, in thousands.
    pub warm_k: Option<f64>,
    /// DynamoDB operations of the first call.
    pub first_calls: Vec<String>,
    /// DynamoDB operations of a later call.
    pub warm_calls: Vec<String>,
    /// Unsigned requests before the first call.
    pub pings: usize,
    /// Connections in 1,000 calls.
    pub connections: usize,
    /// Full TLS handshakes in 1,000 calls.
    pub full_handshakes: usize,
}

/// What the machine has a say in.
#[derive(Debug, Clone, Copy)]
pub struct Noisy {
    /// Periods of 20 ms in which the first calls of ten starts had to wait; none where no cgroup
    /// can be made.
    pub throttled: Option<u64>,
    /// Resident memory after 1,000 calls, in MB.
    pub rss_mb: f64,
    /// What it grew by until call 5,000, in MB.
    pub growth_mb: f64,
}

/// Counts what is exact. Warm calls under valgrind are left out where they would take minutes.
pub fn exact(
    world: &World,
    program: &Program,
    event: &str,
    counts_warm: bool,
) -> Result<Exact, Failure> {
    world.endpoint.counts();
    let process = Process::start(program)?;
    let pings = world.endpoint.counts();
    process.api.invoke(event)?;
    let first = world.endpoint.counts();
    process.api.invoke(event)?;
    let second = world.endpoint.counts();
    world.endpoint.replay(true);
    for _ in 2..1_000 {
        process.api.invoke(event)?;
    }
    let warm = world.endpoint.counts();
    let all = [&pings, &first, &second, &warm];
    let connections = all.iter().map(|counts| counts.connections).sum();
    let one = || instructions_of_one(world, program, event, [11, 111]);
    let exact = Exact {
        init_m: instructions(world, program, event, 0, connections)? / 1e6,
        first_m: instructions(world, program, event, 1, connections)? / 1e6,
        warm_k: counts_warm.then(one).transpose()?.map(|instructions| instructions / 1e3),
        first_calls: first.calls.clone(),
        warm_calls: second.calls.clone(),
        pings: pings.pings,
        connections,
        full_handshakes: all.iter().map(|counts| counts.full_handshakes).sum(),
        ..Exact::default()
    };
    world.endpoint.replay(false);
    world.endpoint.counts();
    Ok(exact)
}

/// What a run under valgrind took. valgrind is so slow that a call may end by its timeout where the
/// machine is busy; that shows in connections and calls.
struct Run {
    instructions: f64,
    connections: usize,
    dynamodb_calls: usize,
}

fn run(world: &World, program: &Program, event: &str, calls: usize) -> Result<Run, Failure> {
    world.endpoint.counts();
    let process = Process::start_counted(program, world.folder.path())?;
    for _ in 0..calls {
        process.api.invoke(event)?;
    }
    let instructions = process.instructions()?;
    let Counts { connections, calls, .. } = world.endpoint.counts();
    Ok(Run { instructions, connections, dynamodb_calls: calls.len() })
}

/// The instructions of a start and some calls, on no more connections than without valgrind. Where
/// each run was disturbed, as AWS-LC's start under valgrind always is, the least of them.
fn instructions(
    world: &World,
    program: &Program,
    event: &str,
    calls: usize,
    connections: usize,
) -> Result<f64, Failure> {
    let mut least = f64::INFINITY;
    for _ in 0..TRIES {
        let run = run(world, program, event, calls)?;
        if run.connections <= connections {
            return Ok(run.instructions);
        }
        least = least.min(run.instructions);
    }
    Ok(least)
}

/// The instructions of a later call: the difference of a short and a long run. Where both were
/// disturbed alike, in the first call, whose code is new to valgrind, it is the median of some.
pub fn instructions_of_one(
    world: &World,
    program: &Program,
    event: &str,
    [short_calls, long_calls]: [usize; 2],
) -> Result<f64, Failure> {
    let more = long_calls - short_calls;
    let mut differences = Vec::new();
    for _ in 0..TRIES {
        let short = run(world, program, event, short_calls)?;
        let long = run(world, program, event, long_calls)?;
        let more_calls = long.dynamodb_calls.saturating_sub(short.dynamodb_calls);
        if short.connections != long.connections || more_calls % more != 0 {
            continue;
        }
        differences.push((long.instructions - short.instructions) / more as f64);
        if long.connections == 1 || differences.len() == DIFFERENCES {
            differences.sort_by(f64::total_cmp);
            return Ok(differences[differences.len() / 2]);
        }
    }
    Err("each run under valgrind was disturbed: is the machine busy?".into())
}

/// The size of a binary and of its upload, in MB. `gzip` compresses as `zip` does.
pub fn sizes(binary: &Path) -> Result<(f64, f64), Failure> {
    let size =
        std::fs::metadata(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let compressed = Command::new("gzip").arg("-c").arg(binary).output()?.stdout.len();
    Ok((size.len() as f64 / 1e6, compressed as f64 / 1e6))
}

/// Measures what the machine has a say in.
pub fn noisy(world: &World, program: &Program, event: &str) -> Result<Noisy, Failure> {
    world.endpoint.replay(true);
    let process = Process::start(program)?;
    for _ in 0..1_000 {
        process.api.invoke(event)?;
    }
    let rss_mb = process.rss_mb()?;
    for _ in 1_000..5_000 {
        process.api.invoke(event)?;
    }
    let growth_mb = process.rss_mb()? - rss_mb;
    let throttled = throttled(program, event);
    world.endpoint.replay(false);
    Ok(Noisy { throttled: throttled.ok(), rss_mb, growth_mb })
}

/// The init phase has the whole machine, as on Lambda; from then on the share of 128 MB holds.
fn throttled(program: &Program, event: &str) -> Result<u64, Failure> {
    let mut periods = 0;
    for _ in 0..STARTS {
        let process = Process::start(program)?;
        let share = Share::new()?;
        share.add(&process)?;
        process.api.invoke(event)?;
        periods += share.throttled_periods()?;
        drop(process);
    }
    Ok(periods)
}
