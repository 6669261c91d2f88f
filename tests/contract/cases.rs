//! Replays the recorded pairs of request and answer, each as a test of its own.
//!
//! In this process by default. `CONFORMANCE_URL` aims the replay at a deployed stack or another
//! server, with `CONFORMANCE_SECRET_KEY`, `CONFORMANCE_SECRET_KEY_NO_SCOPE` and, unless it is
//! `http://localhost:3009/`, `CONFORMANCE_CONNECT_UI_URL`. The cases that need the clock, another
//! environment or a provider are ignored there.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod tally;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use session::token::SessionToken;
use tally::Tally;
use tests::case::{self, Case, Deviation, Values};
use tests::{Flow, Reply, World};
use tokio::runtime::Runtime;

fn main() {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let remote = variable("CONFORMANCE_URL");
    let shared = Arc::new(runtime.block_on(World::start()));
    let flow = Arc::new(runtime.block_on(Flow::start()));
    let tally = Arc::new(Tally::default());
    let run = Run { runtime, tally, is_remote: remote.is_some() };

    let mut trials = Vec::new();
    for (case, deviation) in case::all() {
        let (remote, shared) = (remote.clone(), Arc::clone(&shared));
        let replay = async move |case: &Case, deviation: &Deviation| match remote {
            Some(url) => replay_over(&url, case).await,
            None if needs_own_world(deviation) => {
                replay_in(&mut World::start().await, case, deviation).await
            }
            None => replay_shared(&shared, case).await,
        };
        let needs_this_process = needs_own_world(&deviation);
        trials.push(run.trial(case, deviation, needs_this_process, replay));
    }
    for (case, deviation) in case::flow(&flow.provider) {
        let flow = Arc::clone(&flow);
        let replay = async move |case: &Case, deviation: &Deviation| {
            if needs_own_world(deviation) {
                let mut flow = Flow::with(flow.provider.clone()).await;
                replay_in(&mut flow.world, case, deviation).await
            } else {
                replay_shared(&flow.world, case).await
            }
        };
        // Where the provider listens.
        let needs_this_process = true;
        trials.push(run.trial(case, deviation, needs_this_process, replay));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        run.tally.print();
    }
    conclusion.exit();
}

/// The state that the tests of one run share.
struct Run {
    runtime: Arc<Runtime>,
    tally: Arc<Tally>,
    is_remote: bool,
}

impl Run {
    /// A case as a test of its own, ignored if it cannot be replayed.
    fn trial(
        &self,
        case: Case,
        deviation: Deviation,
        needs_this_process: bool,
        replay: impl AsyncFnOnce(&Case, &Deviation) -> Result<(), String> + Send + 'static,
    ) -> Trial {
        let ignored = match (&deviation.not_built, &deviation.cannot_arise) {
            (Some(part), _) => Some(format!("not built yet: {part}")),
            (None, Some(reason)) => Some(format!("cannot arise: {reason}")),
            (None, None) if self.is_remote && needs_this_process => {
                Some("needs this process".to_owned())
            }
            (None, None) => None,
        };
        let name = match (&deviation.not_built, &deviation.deviation) {
            (Some(part), _) => format!("{} (not built yet: {part})", case.name),
            (None, Some(row)) => format!("{} ({row})", case.name),
            (None, None) => case.name.clone(),
        };
        let is_ignored = ignored.is_some();
        self.tally.expect(&case, ignored);
        let (runtime, tally) = (Arc::clone(&self.runtime), Arc::clone(&self.tally));
        Trial::test(name, move || {
            let replayed = runtime.block_on(replay(&case, &deviation));
            tally.count(&case, replayed.is_ok());
            replayed.map_err(Failed::from)
        })
        .with_ignored_flag(is_ignored)
    }
}

fn needs_own_world(deviation: &Deviation) -> bool {
    deviation.environment.is_some()
        || deviation.environment_after_setup.is_some()
        || deviation.after_ms.is_some()
}

/// The token of the first session that a case's setup makes.
fn take_token(values: &mut Values, reply: &Reply) {
    if values.session_token.is_none() {
        values.session_token = Some(reply.token());
    }
}

fn values(world: &World) -> Values {
    Values {
        secret_key: world.secret_key.clone(),
        secret_key_no_scope: world.secret_key_no_scope.clone(),
        session_token: None,
        connect_base: "http://localhost:3009/".to_owned(),
        now: world.now,
        tolerance_ms: 0,
    }
}

/// Replays a case that changes nothing but sessions of its own.
async fn replay_shared(world: &World, case: &Case) -> Result<(), String> {
    let mut values = values(world);
    for step in &case.setup {
        let reply = world.send(step.call(&values)).await;
        take_token(&mut values, &reply);
    }
    let reply = world.send(case.step.call(&values)).await;
    case.judge(&reply, &values)?;
    judge_state(world, case, &reply).await
}

/// Replays a case that changes its world, which is therefore its own.
async fn replay_in(world: &mut World, case: &Case, deviation: &Deviation) -> Result<(), String> {
    if let Some(change) = &deviation.environment {
        world.change_environment(change.clone()).await;
    }
    let mut values = values(world);
    for step in &case.setup {
        let reply = world.send(step.call(&values)).await;
        take_token(&mut values, &reply);
    }
    if let Some(change) = &deviation.environment_after_setup {
        world.change_environment(change.clone()).await;
    }
    world.set_time(world.now + SignedDuration::from_millis(deviation.after_ms.unwrap_or(0)));
    let reply = world.send(case.step.call(&values)).await;
    case.judge(&reply, &values)?;
    judge_state(world, case, &reply).await
}

async fn replay_over(url: &str, case: &Case) -> Result<(), String> {
    let client = reqwest::Client::new();
    let mut values = Values {
        secret_key: variable("CONFORMANCE_SECRET_KEY").expect("CONFORMANCE_SECRET_KEY is set"),
        secret_key_no_scope: variable("CONFORMANCE_SECRET_KEY_NO_SCOPE")
            .expect("CONFORMANCE_SECRET_KEY_NO_SCOPE is set"),
        session_token: None,
        connect_base: variable("CONFORMANCE_CONNECT_UI_URL")
            .unwrap_or_else(|| "http://localhost:3009/".to_owned()),
        now: clock(),
        tolerance_ms: 60_000,
    };
    for step in &case.setup {
        let reply = step.call(&values).send_over(&client, url).await;
        take_token(&mut values, &reply);
    }
    let reply = case.step.call(&values).send_over(&client, url).await;
    case.judge(&reply, &values)
}

/// Compares the session's record with what the case expects.
async fn judge_state(world: &World, case: &Case, reply: &Reply) -> Result<(), String> {
    if case.expect_state.is_empty() {
        return Ok(());
    }
    let token = SessionToken::parse(&reply.token()).expect("a token");
    let session = world.app.tables.session(&token.hash()).await.expect("an answer");
    let session = session.expect("a session");
    for (key, expected) in &case.expect_state {
        let stored = match key.as_str() {
            "session.tags" => json!(session.tags),
            "session.webhook_url_override" => json!(session.webhook_url_override),
            "session.integrations_config_defaults" => {
                // The recorded service stores this key in camel case.
                let text = json!(session.integrations_config_defaults).to_string();
                serde_json::from_str(&text.replace("connection_config", "connectionConfig"))
                    .expect("JSON")
            }
            // End users are part of their session and of their connection: there is no row.
            "end_users where id=brand-new" => Value::from(0),
            other => return Err(format!("unknown state {other}")),
        };
        if stored != *expected {
            return Err(format!("{key} is {stored}, not {expected}"));
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a test run is set up by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "a remote service has its own clock")]
fn clock() -> Timestamp {
    Timestamp::now()
}
