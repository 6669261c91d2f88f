//! `local` as a child process of the test.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// How long anything is waited for: longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command that runs `local` with `arguments` and no environment variable but `PATH`.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    #[expect(clippy::disallowed_methods, reason = "children are found by it")]
    let path = std::env::var("PATH").unwrap_or_default();
    command.args(arguments).current_dir(folder).env_clear().env("PATH", path);
    command
}

/// A running `local`. It is killed when it goes out of scope.
pub struct Process {
    /// The URL at which it listens.
    pub url: String,
    /// The secret key in its banner.
    pub secret_key: String,
    /// The `curl` commands in its banner.
    pub examples: Vec<String>,
    child: Child,
    stdout: Printed,
    stderr: Printed,
}

impl Process {
    /// Starts it on a free port, and waits for its banner.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::spawn(command(folder, &[&["--listen", "127.0.0.1:0"], arguments].concat()))
    }

    /// Starts a command, and waits for its banner.
    pub fn spawn(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the process starts");
        let stderr = child.stderr.take().expect("standard error");
        Self::watch(child, stderr)
    }

    /// Starts a command whose standard error is a terminal, and waits for its banner.
    pub fn spawn_on_a_terminal(mut command: Command) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a terminal");
        let name = ptsname(&terminal, Vec::new()).expect("a name").into_string().expect("Unicode");
        let stderr = OpenOptions::new().read(true).write(true).open(name).expect("a terminal");
        let child = command.stdout(Stdio::piped()).stderr(stderr).spawn();
        // Its handles of the terminal must be closed, or reading never ends.
        drop(command);
        Self::watch(child.expect("the process starts"), File::from(terminal))
    }

    fn watch(mut child: Child, stderr: impl Read + Send + 'static) -> Self {
        let stdout = Printed::by(child.stdout.take().expect("standard output"));
        let stderr = Printed::by(stderr);
        let text = stdout.wait_for("Ctrl-C");
        assert!(text.contains("Ctrl-C"), "no banner: {text}{}", stderr.text());
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().to_owned()
        };
        let examples = text.lines().filter(|line| line.contains("curl ")).map(str::to_owned);
        Self {
            url: field("url"),
            secret_key: field("secret key"),
            examples: examples.collect(),
            child,
            stdout,
            stderr,
        }
    }

    /// Everything that it has printed so far.
    pub fn output(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// What it has printed on standard output.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has printed on standard error.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits until it has printed `text` on standard error.
    pub fn wait_for(&self, text: &str) {
        let printed = self.stderr.wait_for(text);
        assert!(printed.contains(text), "no {text} in {printed}");
    }

    /// Sends it a signal, by name.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for its end, and for everything that it prints.
    pub fn wait(&mut self) -> ExitStatus {
        let status = end(&mut self.child);
        self.stdout.finish();
        self.stderr.finish();
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a process a signal, by name.
pub fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
}

/// Waits for the end of a process.
pub fn end(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a status") {
            return status;
        }
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// What is printed on one stream.
struct Printed {
    state: Arc<(Mutex<State>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    text: String,
    has_ended: bool,
}

impl Printed {
    fn by(stream: impl Read + Send + 'static) -> Self {
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let shared = Arc::clone(&state);
        let reader = thread::spawn(move || {
            let (state, changed) = &*shared;
            // Reading a terminal that no process has open any more is an error, and the end.
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                state.lock().expect("no panic").text.push_str(&(line + "\n"));
                changed.notify_all();
            }
            state.lock().expect("no panic").has_ended = true;
            changed.notify_all();
        });
        Self { state, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.state.0.lock().expect("no panic").text.clone()
    }

    /// Waits until `text` is printed or the stream ends.
    fn wait_for(&self, text: &str) -> String {
        let (state, changed) = &*self.state;
        let state = changed
            .wait_timeout_while(state.lock().expect("no panic"), PATIENCE, |state| {
                !state.has_ended && !state.text.contains(text)
            })
            .expect("no panic");
        state.0.text.clone()
    }

    fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no panic");
        }
    }
}
