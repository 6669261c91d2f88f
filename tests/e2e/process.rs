//! `local`, as a child of the test: what it prints, and how it ends.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// A command that runs `local` with `arguments`, and with nothing of the environment but `PATH`.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    #[expect(clippy::disallowed_methods, reason = "children are found by it")]
    let path = std::env::var("PATH").unwrap_or_default();
    command.args(arguments).current_dir(folder).env_clear().env("PATH", path);
    command
}

/// A running `local`. It is killed when it goes out of scope.
pub struct Process {
    /// Where it listens.
    pub url: String,
    /// The secret key that its banner shows.
    pub secret_key: String,
    /// The `curl` lines of its banner.
    pub examples: Vec<String>,
    child: Child,
    output: Arc<Mutex<String>>,
    ended: Receiver<()>,
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
        let output = Arc::new(Mutex::new(String::new()));
        let (ready, banner) = channel();
        let (ended, end) = channel();
        let stdout_ended = ended.clone();
        let stdout = BufReader::new(child.stdout.take().expect("standard output"));
        let mut stderr = child.stderr.take().expect("standard error");
        let lines = Arc::clone(&output);
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                lines.lock().expect("no panic").push_str(&(line.clone() + "\n"));
                if line.starts_with("Ctrl-C") {
                    let _ = ready.send(());
                }
            }
            drop(stdout_ended);
        });
        let lines = Arc::clone(&output);
        thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            lines.lock().expect("no panic").push_str(&text);
            drop(ended);
        });
        let started = banner.recv();
        let text = output.lock().expect("no panic").clone();
        started.unwrap_or_else(|_| panic!("no banner: {text}"));
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
            output,
            ended: end,
        }
    }

    /// Everything that it has printed.
    pub fn output(&self) -> String {
        self.output.lock().expect("no panic").clone()
    }

    /// Sends it a signal, by name.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits for its end, and for all that it prints.
    pub fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("an end");
        // Both readers have dropped their end.
        let _ = self.ended.recv();
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
