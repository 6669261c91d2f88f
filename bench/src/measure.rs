//! The measurements: those that are counted, and those that depend on the machine.

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::dynamodb::Counts;
use crate::process::{Process, Program, Share};
use crate::world::World;

/// How often a function is started to measure whether its first call waits for its CPU share.
const STARTS: usize = 10;

/// How often instructions are counted until two undisturbed runs agree.
const TRIES: usize = 12;
/// The largest difference of two runs that agree. callgrind counts every instruction, but hash maps
/// have random keys, and answers arrive in pieces of random length.
const AGREEMENT: f64 = 0.005;

/// A measurement.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// The value: for instructions, the mean of two undisturbed runs that agree, if there were two.
    pub value: f64,
    /// How exact the value is.
    pub certainty: Certainty,
}

/// How exact a measurement is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Certainty {
    /// It is the counted value.
    #[default]
    Exact,
    /// No two undisturbed runs agreed, but all did the measured work and more. So the true value is
    /// at most this one.
    AtMost,
    /// No two undisturbed runs agreed, and the value is only their median.
    Unknown,
}

impl Measured {
    /// In thousands, millions, or per call.
    #[must_use]
    pub fn in_units_of(self, unit: f64) -> Self {
        Self { value: self.value / unit, ..self }
    }
}

/// `≤` marks an upper bound, `~` a value that is only near the true one.
impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self.certainty {
            Certainty::Exact => "",
            Certainty::AtMost => "≤",
            Certainty::Unknown => "~",
        })?;
        self.value.fmt(formatter)
    }
}

/// The measurements that do not depend on the machine's speed.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// The size of the stripped binary, in MB; none if there is no single binary.
    pub binary_mb: Option<f64>,
    /// The same, compressed as for an upload.
    pub zip_mb: Option<f64>,
    /// Instructions from the start to the request for the first event.
    pub init: Measured,
    /// Instructions from the start to the end of the first call.
    pub first: Measured,
    /// Instructions of a later call.
    pub warm: Option<Measured>,
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

/// Resident memory, which depends on the kernel's page size and the C library too.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident memory after 1,000 calls, in MB.
    pub rss_mb: f64,
    /// Its growth until call 5,000, in MB.
    pub growth_mb: f64,
}

/// Measures the counts, without warm calls under valgrind if they would take minutes.
pub fn counted(
    world: &World,
    program: &Program,
    event: &str,
    counts_warm: bool,
) -> Result<Counted, Failure> {
    world.endpoint.counts();
    let process = Process::start(program)?;
    let pings = world.endpoint.counts();
    process.api.invoke(event)?;
    let first = world.endpoint.counts();
    // From here on, requests get their earlier answers. Otherwise what the first call deleted would
    // be missing for the second, which would then give another answer.
    world.endpoint.replay(true);
    process.api.invoke(event)?;
    let second = world.endpoint.counts();
    for _ in 2..1_000 {
        process.api.invoke(event)?;
    }
    let warm = world.endpoint.counts();
    let all = [&pings, &first, &second, &warm];
    let connections = all.iter().map(|counts| counts.connections).sum();
    let one = || instructions_of_one(world, program, event, [11, 111]);
    let counted = Counted {
        init: instructions(world, program, event, 0, &[&pings])?,
        first: instructions(world, program, event, 1, &[&pings, &first])?,
        warm: counts_warm.then(one).transpose()?,
        first_calls: first.calls.clone(),
        warm_calls: second.calls.clone(),
        pings: pings.pings,
        connections,
        full_handshakes: all.iter().map(|counts| counts.full_handshakes).sum(),
        ..Counted::default()
    };
    world.endpoint.replay(false);
    world.endpoint.counts();
    Ok(counted)
}

/// The result of a run under valgrind. valgrind is so slow that on a busy machine a call may time
/// out, which shows in the traffic on the wire.
struct Run {
    instructions: f64,
    counts: Counts,
}

fn run(world: &World, program: &Program, event: &str, calls: usize) -> Result<Run, Failure> {
    world.endpoint.counts();
    let process = Process::start_counted(program, world.folder.path())?;
    for _ in 0..calls {
        process.api.invoke(event)?;
    }
    let instructions = process.instructions()?;
    Ok(Run { instructions, counts: world.endpoint.counts() })
}

/// The instructions of a start and some calls. A run is undisturbed if its traffic, in all of
/// `parts`, is the same as without valgrind.
fn instructions(
    world: &World,
    program: &Program,
    event: &str,
    calls: usize,
    parts: &[&Counts],
) -> Result<Measured, Failure> {
    let crossed = |parts: &[&Counts]| {
        let sum = |of: fn(&Counts) -> usize| parts.iter().map(|counts| of(counts)).sum::<usize>();
        [sum(|of| of.connections), sum(|of| of.pings), sum(|of| of.calls.len())]
    };
    let (runs, measured) = agreed(|| {
        let run = run(world, program, event, calls)?;
        Ok((run.instructions, crossed(&[&run.counts]) == crossed(parts)))
    })?;
    let (fewest, _) = runs[0];
    Ok(measured.unwrap_or(Measured { value: fewest, certainty: Certainty::AtMost }))
}

/// The instructions of a warm call: the difference of a short and a long run. They are undisturbed
/// if both have the same number of connections, and each further call the same number of DynamoDB
/// calls.
pub fn instructions_of_one(
    world: &World,
    program: &Program,
    event: &str,
    [short_calls, long_calls]: [usize; 2],
) -> Result<Measured, Failure> {
    let more = long_calls - short_calls;
    let (runs, measured) = agreed(|| {
        let short = run(world, program, event, short_calls)?;
        let long = run(world, program, event, long_calls)?;
        let [few, many] = [&short, &long].map(|run| run.counts.calls.len());
        let is_undisturbed = short.counts.connections == long.counts.connections
            && many.saturating_sub(few) % more == 0;
        Ok(((long.instructions - short.instructions) / more as f64, is_undisturbed))
    })?;
    let (middle, _) = runs[runs.len() / 2];
    Ok(measured.unwrap_or(Measured { value: middle, certainty: Certainty::Unknown }))
}

/// The count of each run, and whether it was undisturbed.
type Runs = Vec<(f64, bool)>;

/// Counts until an undisturbed run agrees with an earlier undisturbed one. Returns all runs, the
/// smallest first, and whether each was undisturbed.
fn agreed(
    count: impl Fn() -> Result<(f64, bool), Failure>,
) -> Result<(Runs, Option<Measured>), Failure> {
    let mut runs = Runs::new();
    for _ in 0..TRIES {
        let (count, is_undisturbed) = count()?;
        let agrees = |(other, is_undisturbed): &&(f64, bool)| {
            *is_undisturbed && f64::abs(count - other) <= AGREEMENT * other
        };
        if is_undisturbed && let Some((other, _)) = runs.iter().find(agrees) {
            let value = f64::midpoint(count, *other);
            return Ok((runs, Some(Measured { value, certainty: Certainty::Exact })));
        }
        runs.push((count, is_undisturbed));
    }
    let told = |(count, is_undisturbed): &(f64, bool)| {
        format!("{count:.0}{}", if *is_undisturbed { "" } else { " (disturbed)" })
    };
    let told: Vec<_> = runs.iter().map(told).collect();
    eprintln!("no two undisturbed runs agree: {}", told.join(", "));
    runs.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    Ok((runs, None))
}

/// The size of a binary and of its upload, in MB. `gzip` compresses as `zip` does.
pub fn sizes(binary: &Path) -> Result<(f64, f64), Failure> {
    let size =
        std::fs::metadata(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let compressed = Command::new("gzip").arg("-c").arg(binary).output()?.stdout.len();
    Ok((size.len() as f64 / 1e6, compressed as f64 / 1e6))
}

/// Resident memory over 5,000 calls.
pub fn memory(world: &World, program: &Program, event: &str) -> Result<Memory, Failure> {
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
    world.endpoint.replay(false);
    Ok(Memory { rss_mb, growth_mb })
}

/// The periods of 20 ms in which the first calls of ten starts had to wait; none if no cgroup can
/// be made. The init phase has the whole machine, as on Lambda; after it the share of 128 MB
/// applies.
pub fn throttled(world: &World, program: &Program, event: &str) -> Option<u64> {
    let periods = || -> Result<u64, Failure> {
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
    };
    world.endpoint.replay(true);
    let periods = periods();
    world.endpoint.replay(false);
    periods.ok()
}
