//! Writes plans, one environment after another, in as few transactions as possible.

use std::time::Instant;

use aws::Waits;
use tables::Tables;
use tables::transaction::{BYTES_MAX, CHANGES_MAX, Change, Outcome, Revision};
use uuid::Uuid;

use crate::planner::{Effect, Plan, Step};
use crate::report::{Cause, Failure, Report, Stopped};

/// Writes plans, and returns what changed. If it stops halfway, the failure says what is written.
/// It stops in time before `ends_at`, so that the failure can still be answered.
pub async fn write(
    tables: &Tables,
    plans: Vec<Plan>,
    now_ms: i64,
    ends_at: Option<Instant>,
) -> Result<Report, Failure> {
    let mut applied = Report::default();
    let mut is_partial = false;
    for plan in plans {
        let mut revision = Revision {
            name: plan.name.text,
            environment_id: plan.name.environment_id,
            created_at_ms: plan.name.created_at_ms,
            now_ms,
            from: plan.name.revision,
            to: None,
        };
        applied.unchanged.extend(plan.unchanged);
        let mut transactions = transactions(plan.steps).into_iter().peekable();
        while let Some(Transaction { changes, report, .. }) = transactions.next() {
            let is_last = transactions.peek().is_none();
            revision.to = (!plan.is_removal || !is_last).then(Uuid::new_v4);
            let outcome = match ends_at {
                Some(ends_at) if is_too_late(ends_at) => Err((Cause::OutOfTime, None)),
                _ => transact(tables, &revision, changes, report).await,
            };
            match outcome {
                Ok(report) => applied.add(report),
                Err((cause, unconfirmed)) => {
                    let stopped = Stopped { cause, is_partial, applied, unconfirmed };
                    return Err(Failure::Stopped(Box::new(stopped)));
                }
            }
            is_partial = true;
            revision.from = revision.to;
        }
    }
    Ok(applied)
}

/// Writes one transaction, and returns its report if it is written. Otherwise returns the cause,
/// and the report if it is unknown whether it is written.
async fn transact(
    tables: &Tables,
    revision: &Revision,
    changes: Vec<Change>,
    report: Report,
) -> Result<Report, (Cause, Option<Report>)> {
    let error = match tables.change_environment(revision, changes).await {
        Ok(Outcome::Written) => return Ok(report),
        Ok(_) => return Err((Cause::Conflict, None)),
        Err(error) => error,
    };
    match tables.settle(revision).await {
        Ok(Outcome::Written) => Ok(report),
        Ok(Outcome::Conflict | Outcome::NotWritten) => Err((Cause::Store(error), None)),
        Ok(Outcome::Unknown) | Err(_) => Err((Cause::Store(error), Some(report))),
    }
}

/// A transaction, and its part of the report.
#[derive(Default)]
struct Transaction {
    changes: Vec<Change>,
    bytes: usize,
    report: Report,
}

fn transactions(steps: Vec<Step>) -> Vec<Transaction> {
    let mut transactions = Vec::new();
    let mut current = Transaction::default();
    for step in steps {
        let bytes: usize = step.changes.iter().map(Change::size).sum();
        if current.changes.len() + step.changes.len() > CHANGES_MAX
            || current.bytes + bytes > BYTES_MAX
        {
            transactions.push(std::mem::take(&mut current));
        }
        current.bytes += bytes;
        for change in step.changes {
            // A transaction may write an item only once, so a later change replaces an earlier one.
            match current.changes.iter_mut().find(|earlier| earlier.is_of_same_item(&change)) {
                Some(earlier) => *earlier = change,
                None => current.changes.push(change),
            }
        }
        match step.effect {
            Some((Effect::Created, label)) => current.report.created.push(label),
            Some((Effect::Changed, label)) => current.report.changed.push(label),
            Some((Effect::Removed, label)) => current.report.removed.push(label),
            None => {}
        }
        current.report.secrets.extend(step.secret);
    }
    if !current.changes.is_empty() {
        transactions.push(current);
    }
    transactions
}

/// Whether there is too little time for another transaction: it may take one call, and two more to
/// find out its outcome.
fn is_too_late(ends_at: Instant) -> bool {
    ends_at.saturating_duration_since(Instant::now()) < 3 * Waits::INVOCATION.operation
}
