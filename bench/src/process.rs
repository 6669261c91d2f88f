//! A function as a child of this process, in the environment that Lambda gives it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Failure;
use crate::runtime_api::RuntimeApi;

/// A program to run, and its environment.
#[derive(Debug, Clone)]
pub struct Program {
    /// The binary and its arguments.
    pub command: Vec<OsString>,
    /// The variables of its environment.
    pub variables: Vec<(&'static str, String)>,
    /// The file for its standard output, if any.
    pub log: Option<PathBuf>,
}

impl Program {
    /// With another value of a variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
        self
    }

    /// With its standard output in a file.
    #[must_use]
    pub fn logging_to(self, file: &Path) -> Self {
        Self { log: Some(file.to_owned()), ..self }
    }
}

/// A running function that has asked for its first event. It is killed when it goes out of scope.
pub struct Process {
    /// Its Runtime API.
    pub api: RuntimeApi,
    child: Child,
    /// Where valgrind writes what it counted.
    counted: Option<PathBuf>,
}

impl Process {
    /// Starts a program.
    pub fn start(program: &Program) -> Result<Self, Failure> {
        Self::spawn(program, None)
    }

    /// Starts a program under valgrind, which counts its instructions.
    pub fn start_counted(program: &Program, folder: &Path) -> Result<Self, Failure> {
        Self::spawn(program, Some(folder.join("callgrind.log")))
    }

    fn spawn(program: &Program, counted: Option<PathBuf>) -> Result<Self, Failure> {
        let mut line = Vec::new();
        if let Some(log) = &counted {
            let mut log_argument = OsString::from("--log-file=");
            log_argument.push(log);
            line.extend(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
                    .map(OsString::from),
            );
            line.push(log_argument);
        }
        line.extend(program.command.iter().cloned());
        let api = RuntimeApi::start()?;
        let stdout = match &program.log {
            Some(file) => File::create(file)?.into(),
            None => Stdio::null(),
        };
        let child = Command::new(&line[0])
            .args(&line[1..])
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .envs(program.variables.iter().cloned())
            .stdout(stdout)
            .spawn()
            .map_err(|error| format!("{}: {error}", line[0].display()))?;
        let process = Self { api, child, counted };
        process.api.ready()?;
        Ok(process)
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory, in MB.
    pub fn rss_mb(&self) -> Result<f64, Failure> {
        rss_mb(self.id())
    }

    /// Ends it, and returns the number of instructions since its start.
    pub fn instructions(mut self) -> Result<f64, Failure> {
        let log = self.counted.take().ok_or("nothing was counted")?;
        // A signal that can be caught, so that valgrind writes its counts.
        Command::new("kill").args(["-s", "TERM", &self.id().to_string()]).status()?;
        self.child.wait()?;
        let log = fs::read_to_string(log)?;
        let counted = log.lines().find_map(|line| line.split("Collected : ").nth(1));
        Ok(counted.ok_or_else(|| format!("valgrind says: {log}"))?.trim().parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The resident memory of a process, in MB.
pub fn rss_mb(id: u32) -> Result<f64, Failure> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.trim().split(' ').next()).ok_or("no VmRSS")?;
    Ok(kb.parse::<f64>()? / 1_000.0)
}

/// The CPU share of a function of 128 MB: 128/1769 of one CPU, in periods of 20 ms.
pub struct Share(PathBuf);

impl Share {
    /// A share without processes. Needs a writable cgroup (v1).
    pub fn new() -> Result<Self, Failure> {
        let folder = format!("/sys/fs/cgroup/cpu/connect-sessions-bench-{}", std::process::id());
        let share = Self(PathBuf::from(folder));
        if !share.0.is_dir() {
            fs::create_dir(&share.0)?;
        }
        fs::write(share.0.join("cpu.cfs_period_us"), "20000")?;
        fs::write(share.0.join("cpu.cfs_quota_us"), "1447")?;
        Ok(share)
    }

    /// Puts a process with all its threads into it, and on one CPU: a thread that moves to another
    /// CPU loses the rest of the period's share (Linux, "CFS bandwidth control", small details).
    pub fn add(&self, process: &Process) -> Result<(), Failure> {
        let id = process.id().to_string();
        Command::new("taskset")
            .args(["-a", "-c", "-p", "1", &id])
            .stdout(Stdio::null())
            .status()?;
        Ok(fs::write(self.0.join("cgroup.procs"), id)?)
    }

    /// The periods so far in which a thread had to wait.
    pub fn throttled_periods(&self) -> Result<u64, Failure> {
        let stat = fs::read_to_string(self.0.join("cpu.stat"))?;
        let line = stat.lines().find_map(|line| line.strip_prefix("nr_throttled "));
        Ok(line.ok_or("no nr_throttled")?.parse()?)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}
