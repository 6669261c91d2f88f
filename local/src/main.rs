//! `cargo run`: the whole service on this machine.

mod arguments;
mod service;

use std::num::NonZero;
use std::process::ExitCode;
use std::time::Duration;

use api::InitError;
use clap::Parser;
use futures_util::future::select_all;
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;

use arguments::Arguments;
use service::Service;

/// Many threads allocate here, and would wait for each other's locks in glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the process waits, at its very end, for what the runtime still does.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Why the process ends with another status than 0.
enum Problem {
    /// 2: it does not start, or a server fails.
    Failed(InitError),
    /// 3: something was not finished when it had to stop.
    CutOff(String),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One core is left to the engine's thread.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.saturating_sub(1).max(1);
    let runtime = match Builder::new_multi_thread().worker_threads(threads).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return ExitCode::from(2);
        }
    };
    let end = runtime.block_on(run(arguments));
    // Whatever still hangs is left behind. The engine has written all that it has answered.
    runtime.shutdown_timeout(LEAVE_WITHIN);
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(Problem::Failed(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
        Err(Problem::CutOff(what)) => {
            eprintln!("cut off: {what}");
            ExitCode::from(3)
        }
    }
}

/// Serves until a signal, then stops within the time that the arguments give.
async fn run(arguments: Arguments) -> Result<(), Problem> {
    let mut signals = Signals::install()?;
    let stop_within = Duration::from_secs(arguments.stop_within.into());
    // On a thread of its own, since it reads files, which can block: signals must get through.
    let runtime = Handle::current();
    let start = spawn_blocking(move || runtime.block_on(Service::start(arguments)));
    let (mut service, banner) = tokio::select! {
        started = start => started.map_err(|error| InitError::new(error.to_string()))??,
        () = signals.next() => return Err(Problem::CutOff("the start".to_owned())),
    };
    // Apart, since a pipe that nobody reads can be full.
    spawn_blocking(move || banner.print());

    let mut servers = service.servers();
    tokio::select! {
        (failure, ..) = select_all(servers.iter_mut().map(|server| Box::pin(server.failure()))) => {
            return Err(failure.into());
        }
        () = signals.next() => eprintln!("stopping: requests in flight finish first"),
    }
    let mut time_is_up = std::pin::pin!(tokio::time::sleep(stop_within));
    for server in servers {
        let name = server.name();
        tokio::select! {
            () = server.stop() => {}
            () = &mut time_is_up => {
                return Err(Problem::CutOff(format!("{name} was busy after {stop_within:?}")));
            }
            () = signals.next() => {
                return Err(Problem::CutOff(format!("{name} was busy at a second signal")));
            }
        }
    }
    Ok(())
}

impl From<InitError> for Problem {
    fn from(error: InitError) -> Self {
        Self::Failed(error)
    }
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on signals no longer end the process by themselves.
    fn install() -> Result<Self, InitError> {
        let problem = |error: std::io::Error| InitError::new(format!("no signal handler: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(problem)?,
            terminate: signal(SignalKind::terminate()).map_err(problem)?,
        })
    }

    /// Resolves at the next one.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
