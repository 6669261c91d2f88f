//! Plans are written, environment after environment, in as few transactions as there can be.

use std::time::Instant;

use aws::Waits;
use tables::Tables;
use tables::transaction::{BYTES_MAX, CHANGES_MAX, Change, Outcome, Revision};
use uuid::Uuid;

use crate::planner::{Effect, Plan, Step};
use crate::report::{Cause, Failure, Report, Stopped};

/// Writes plans, and answers what that did. Where it stops on the way, the failure tells what
/// stands. It stops itself while there is still time to say so: before `ends_at`.
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

/// Makes one transaction, and answers its report when it stands. Else it answers why not, and the
/// report if nobody can tell.
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

/// A transaction, and what it does.
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
            // A transaction names an item once. What a later step writes is the later state.
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

/// Whether a transaction that begins now might not have been told before the end: it takes a call,
/// and two more to find out what became of it.
fn is_too_late(ends_at: Instant) -> bool {
    ends_at.saturating_duration_since(Instant::now()) < 3 * Waits::INVOCATION.operation
}
