//! One function in an execution environment of its own, which is a child process of the test.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tests::World;

/// The path of the emulator, `aws-lambda-rie-x86_64` of the `aws-sam-cli` wheel.
const EMULATOR: &str = "LAMBDA_RIE";
/// The folder of the functions' binaries.
const BOOTSTRAPS: &str = "BOOTSTRAPS";

/// A function, ready to be invoked.
pub struct Function {
    url: String,
    client: reqwest::Client,
    emulator: Child,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Function {
    /// A function that uses the tables of `world`, with the template's timeout.
    pub async fn start(name: &str, world: &World) -> Self {
        Self::with(name, world, &[]).await
    }

    /// The same with other environment variables; an empty value removes one.
    pub async fn with(name: &str, world: &World, variables: &[(&str, &str)]) -> Self {
        let (invocations, runtime_api) = free_addresses();
        let endpoint = format!("http://{}", world.wire.address);
        let mut command = Command::new(required(EMULATOR));
        command
            .args(["--runtime-interface-emulator-address", &invocations])
            .args(["--runtime-api-address", &runtime_api])
            .arg(PathBuf::from(required(BOOTSTRAPS)).join(name))
            .env_clear()
            .env("AWS_LAMBDA_FUNCTION_TIMEOUT", "10")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "the secret of the role")
            .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
            .env("SESSIONS_TABLE", &world.app.settings.tables.sessions)
            .env("REGISTRY_TABLE", &world.app.settings.tables.registry)
            .env("CONNECTIONS_TABLE", &world.app.settings.tables.connections)
            .env("EVENTS_TABLE", &world.app.settings.tables.events)
            .env("KMS_KEY_ID", &world.app.settings.kms_key_id)
            .env("AWS_ENDPOINT_URL_KMS", format!("http://{}", world.kms_wire.address))
            .env("CONNECT_UI_URL", "http://localhost:3009")
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (variable, value) in variables {
            match *value {
                "" => command.env_remove(variable),
                value => command.env(variable, value),
            };
        }
        let mut emulator = command.spawn().expect("the emulator starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stdout = emulator.stdout.take().expect("standard output");
        let stderr = emulator.stderr.take().expect("standard error");
        let readers = vec![keep(stdout, &log), keep(stderr, &log)];
        let url = format!("http://{invocations}/2015-03-31/functions/function/invocations");
        let function = Self { url, client: reqwest::Client::new(), emulator, log, readers };
        while tokio::net::TcpStream::connect(&invocations).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        function
    }

    /// The emulator's answer: that of the function, or how the function ended.
    pub async fn invoke(&self, event: &Value) -> Value {
        let answer = self.client.post(&self.url).body(event.to_string()).send().await;
        let text = answer.expect("an answer").text().await.expect("a whole answer");
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    /// The most memory that the function's process has used, in KiB.
    pub fn memory_peak_kib(&self) -> u64 {
        let read = |path: PathBuf| std::fs::read_to_string(path).expect("a running process");
        // Any thread of the emulator may have started it.
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.emulator.id()));
        let children: String = threads
            .expect("threads")
            .map(|thread| read(thread.expect("a thread").path().join("children")))
            .collect();
        let status = read(PathBuf::from("/proc").join(children.trim()).join("status"));
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        peak.expect("a peak").parse().expect("a number")
    }

    /// Ends it, and returns every line that the emulator and the function printed.
    pub fn stop(mut self) -> String {
        self.terminate();
        for reader in self.readers.drain(..) {
            reader.join().expect("no panic");
        }
        self.log.lock().expect("no panic").clone()
    }

    /// Uses SIGTERM, so that the emulator ends the function too.
    fn terminate(&mut self) {
        if matches!(self.emulator.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(self.emulator.id().to_string()).status();
            let _ = self.emulator.wait();
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.terminate();
    }
}

/// Copies lines into the log.
fn keep(stream: impl Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            log.lock().expect("no panic").push_str(&(line + "\n"));
        }
    })
}

/// Two addresses; the emulator's defaults would be seen from outside.
fn free_addresses() -> (String, String) {
    let [one, two] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let address = |listener: &TcpListener| listener.local_addr().expect("an address").to_string();
    (address(&one), address(&two))
}

fn required(variable: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "what this suite is given")]
    let value = std::env::var(variable);
    value.unwrap_or_else(|_| panic!("{variable} is not set; .ci/bootstraps sets it"))
}
