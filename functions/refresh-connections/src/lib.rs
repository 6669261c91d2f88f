//! Renews idle grants: a scheduled function without a route.
//!
//! Providers end a refresh token that was not used for some weeks or months, which nobody notices
//! until the connection is needed. So each refresh token is used once a day, or as often as its
//! provider's file says. An index has the connections that are due, so the connections table is
//! never scanned.

use std::time::{Duration, Instant};

use api::lambda::{ANSWER_WITHIN_CALLING_PROVIDERS, InvocationFailure};
use api::{Error, Timestamp, telemetry};
use connect::Connect;
use connect::refresh::{Outcome, Refresh, Wanted};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};
use tables::refresh_item::SHARDS;
use tables::refreshing::Due;

/// How many grants are renewed at once. Most of the time is spent waiting for providers.
const AT_ONCE: usize = 16;

/// How much time must be left to start another renewal.
const TIME_NEEDED: Duration = Duration::from_secs(30);

/// How often the function is invoked. Each run starts with another partition of the index, so that
/// a partition that takes the whole time of a run does not hold up the others for ever.
pub const EVERY: Duration = Duration::from_mins(10);

/// The result of a run.
#[derive(Debug, Default, Serialize)]
struct Run {
    /// Grants that were renewed.
    renewed: u32,
    /// Renewals that failed; the failure is stored with the connection.
    failed: u32,
    /// Grants that were no longer due, or that another caller is renewing.
    skipped: u32,
    /// Grants that could not be tried; the log says why.
    errors: u32,
    /// Whether the time was up before all were tried. The next run continues.
    is_cut_short: bool,
}

/// The result for one grant.
enum Tried {
    Renewed,
    Failed,
    Skipped,
}

/// Renews the grants that are due, as long as time is left.
pub async fn handle(
    connect: &Connect,
    _: Value,
    now: Timestamp,
    time_left: Duration,
) -> Result<Value, InvocationFailure> {
    let started = Instant::now();
    let mut run = Run::default();
    let first = usize::try_from(now.as_second()).unwrap_or_default() / EVERY.as_secs() as usize;
    for shard in SHARDS.iter().cycle().skip(first % SHARDS.len()).take(SHARDS.len()) {
        let walked = walk(connect, shard, now, started, time_left, &mut run).await;
        walked.map_err(|error| {
            telemetry::failed(error.code(), &format!("{error:?}"));
            InvocationFailure { code: error.code(), body: json!(run) }
        })?;
    }
    let Run { renewed, failed, skipped, errors, is_cut_short } = run;
    tracing::info!(renewed, failed, skipped, errors, is_cut_short, "idle grants renewed");
    Ok(json!(run))
}

/// Renews the grants that are due in one partition of the index, the longest due first.
async fn walk(
    connect: &Connect,
    shard: &str,
    now: Timestamp,
    started: Instant,
    time_left: Duration,
    run: &mut Run,
) -> Result<(), Error> {
    let is_over = || started.elapsed() + TIME_NEEDED > time_left;
    let mut cursor = None;
    loop {
        if is_over() {
            run.is_cut_short = true;
            return Ok(());
        }
        let (due, next) = connect.app.tables.refreshes_due(shard, now, cursor).await?;
        let found = due.len();
        let tried = stream::iter(due)
            .take_while(|_| std::future::ready(!is_over()))
            .map(|due| renew(connect, due, now, started))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        run.is_cut_short |= tried.len() < found;
        for tried in tried {
            match tried {
                Ok(Tried::Renewed) => run.renewed += 1,
                Ok(Tried::Failed) => run.failed += 1,
                Ok(Tried::Skipped) => run.skipped += 1,
                Err(error) => {
                    telemetry::failed(error.code(), &format!("{error:?}"));
                    run.errors += 1;
                }
            }
        }
        cursor = next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Renews one grant. The index may be out of date, so the connection's own item decides.
async fn renew(
    connect: &Connect,
    due: Due,
    began: Timestamp,
    started: Instant,
) -> Result<Tried, Error> {
    let elapsed = SignedDuration::try_from(started.elapsed()).unwrap_or_default();
    let now = began.saturating_add(elapsed).unwrap_or(began);
    let app = &connect.app;
    let environment = app.grants.environment(&app.tables, due.environment, now).await?;
    let connection = app.tables.connection(due.environment, &due.integration, &due.id).await?;
    let (Some(environment), Some(connection)) = (environment, connection) else {
        return Ok(Tried::Skipped);
    };
    if connection.refresh.due_at.is_none_or(|due_at| due_at > began) {
        return Ok(Tried::Skipped);
    }
    let refresh = Refresh::new(connect, &environment, now, ANSWER_WITHIN_CALLING_PROVIDERS);
    let before = connection.credentials.clone();
    Ok(match refresh.credentials(connection, Wanted::WhileIdle).await? {
        Outcome::Credentials(after, _) if after.credentials == before => Tried::Skipped,
        Outcome::Credentials(..) => Tried::Renewed,
        Outcome::Failed(..) => Tried::Failed,
        Outcome::BackingOff(..) => Tried::Skipped,
    })
}
