//! The cost of a million sessions, from counted units and given prices.

use std::fmt::Write;

use crate::Failure;
use crate::functions::Function;
use crate::process::Process;
use crate::world::World;

/// The inputs of the model, each changed by an argument `NAME=VALUE`. The prices are those of
/// us-east-1 in dollars; `docs/cost.md` says where they were read.
const DEFAULTS: [(&str, f64, &str); 15] = [
    ("gets", 2.0, "reads of a session"),
    ("deletes", 1.0, "deletes of a session"),
    ("api_request", 1.00, "a million requests to an HTTP API"),
    ("lambda_request", 0.20, "a million invocations"),
    ("lambda_gb_s", 0.000_013_333_4, "a GB-second of an arm64 function"),
    ("memory_mb", 128.0, "memory of a function"),
    ("duration_ms", 5.0, "billed time of a call, most of it waiting for DynamoDB"),
    ("cold_share", 0.01, "share of calls that start a container"),
    ("cold_ms", 20.0, "billed time of a start"),
    ("write_unit", 0.625, "a million write units on demand"),
    ("read_unit", 0.125, "a million read units on demand"),
    ("log_gb", 0.50, "a GB of logs taken in"),
    ("access_log_bytes", 350.0, "API Gateway's line about a call, in the format of the template"),
    (
        "monitoring_month",
        16.40,
        "a month of 49 alarm metrics, 8 alarms on queries, a dashboard, 16 metrics and a KMS key",
    ),
    ("fixed_month", 30.84, "a month of the always-on deployment: two tasks, one load balancer"),
];

/// The counted units of one call.
struct Units {
    name: &'static str,
    per_session: f64,
    write: f64,
    read: f64,
    log_bytes: f64,
}

/// The tables of the model.
pub fn model(
    world: &World,
    functions: &[Function],
    arguments: &[String],
) -> Result<String, Failure> {
    let mut values = DEFAULTS;
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or("an argument is NAME=VALUE")?;
        let known = values.iter_mut().find(|(known, ..)| *known == name);
        known.ok_or_else(|| format!("no {name} in the model"))?.1 = value.parse()?;
    }
    let value = |name: &str| {
        values.iter().find(|(known, ..)| *known == name).map_or(f64::NAN, |(_, value, _)| *value)
    };
    let units = count(world, functions, value("gets"), value("deletes"))?;
    let sum = |of: fn(&Units) -> f64| -> f64 {
        units.iter().map(|units| units.per_session * of(units)).sum()
    };
    let calls = sum(|_| 1.0);
    let gb = value("memory_mb") / 1024.0;
    let seconds = (value("duration_ms") + value("cold_share") * value("cold_ms")) / 1e3;
    let dynamodb =
        sum(|of| of.write) * value("write_unit") + sum(|of| of.read) * value("read_unit");
    let log_bytes = sum(|of| of.log_bytes) + calls * value("access_log_bytes");
    let logs = log_bytes / 1e3 * value("log_gb");
    let lines = [
        ("API Gateway requests", calls * value("api_request")),
        ("Lambda invocations", calls * value("lambda_request")),
        ("Lambda time", calls * 1e6 * seconds * gb * value("lambda_gb_s")),
        ("DynamoDB units", dynamodb),
        ("log lines, API Gateway's too", logs),
    ];
    let total: f64 = lines.iter().map(|(_, dollars)| dollars).sum();
    let same_anywhere = dynamodb + logs;
    let break_even = value("fixed_month") / (total - same_anywhere);

    let mut text = String::from(
        "| call | per session | write units | read units | log line, bytes |\n\
         |---|--:|--:|--:|--:|\n",
    );
    for Units { name, per_session, write, read, log_bytes } in &units {
        let _ = writeln!(text, "| {name} | {per_session} | {write} | {read} | {log_bytes} |");
    }
    text.push_str("\n| a million sessions | dollars |\n|---|--:|\n");
    for (name, dollars) in lines {
        let _ = writeln!(text, "| {name} | {dollars:.3} |");
    }
    let _ = writeln!(text, "| **all** | **{total:.2}** |\n");
    text.push_str("| a month of | serverless | always on |\n|---|--:|--:|\n");
    for millions in [0.1, 1.0, 10.0, 100.0] {
        let monitoring = value("monitoring_month");
        let serverless = monitoring + millions * total;
        let always_on = monitoring + value("fixed_month") + millions * same_anywhere;
        let _ =
            writeln!(text, "| {millions} million sessions | {serverless:.2} | {always_on:.2} |");
    }
    let _ = writeln!(text, "\nBreak-even: {break_even:.1} million sessions a month.\n");
    text.push_str("| input | value | what |\n|---|--:|---|\n");
    for (name, value, what) in values {
        let _ = writeln!(text, "| `{name}` | {value} | {what} |");
    }
    Ok(text)
}

/// The units of warm calls, as the engine counts them.
fn count(
    world: &World,
    functions: &[Function],
    gets: f64,
    deletes: f64,
) -> Result<Vec<Units>, Failure> {
    let mut counted = Vec::new();
    for (function, per_session) in functions.iter().zip([1.0, 0.0, gets, deletes]) {
        let log = world.folder.path().join("log");
        let program = world.program(std::slice::from_ref(&function.binary)).logging_to(&log);
        let process = Process::start(&program)?;
        let is_delete = function.name == "delete-session";
        // A session can be deleted only once.
        if !is_delete {
            process.api.invoke(&function.event)?;
        }
        world.endpoint.counts();
        process.api.invoke(&function.event)?;
        let counts = world.endpoint.counts();
        let log = std::fs::read_to_string(&log)?;
        let line = log.lines().last().ok_or("no line in the log")?;
        counted.push(Units {
            name: function.name,
            per_session,
            write: counts.write_units,
            read: counts.read_units,
            log_bytes: (line.len() + 1) as f64,
        });
    }
    Ok(counted)
}
