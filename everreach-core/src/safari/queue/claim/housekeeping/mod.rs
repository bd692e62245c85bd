//! What is put in order before a claim: leases that lapsed, rows that are new, rows whose time has come, questions that nobody
//! answered.

mod intake;
mod store;

use intake::absorb;
#[cfg(test)]
pub(super) use store::SQLITE_STATEMENTS;
pub(super) use store::new_rows;

use super::Probe;
use super::slot::lock_slot;
use crate::Result;
use crate::Timestamp;
use crate::safari::decision::{Conditions, Settlement};
use crate::safari::gate::check;
use crate::safari::queue::finish::{self, End};
use crate::safari::queue::groups;
use crate::safari::queue::row::QueueRow;
use crate::safari::{DispatchOutcome, Reason, Repeat};
use crate::store::Db;

/// Rows of each kind in one transaction.
const AT_ONCE: u32 = 500;

/// Does what the probe says there is to do; says whether there is more of it.
pub(in crate::safari::queue) async fn tidy(
    db: &mut Db<'_>,
    probe: Probe,
    conditions: &Conditions,
    now: Timestamp,
) -> Result<bool> {
    let mut is_more = false;
    if probe.lapsed {
        is_more |= reclaim(db, conditions, now).await? >= AT_ONCE;
    }
    if probe.approvals {
        groups::expire(db, now).await?;
    }
    if probe.new {
        is_more |= absorb(db, AT_ONCE, now).await? >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
    }
    if probe.due {
        is_more |= store::promote(db, AT_ONCE * 10, now).await? >= u64::from(AT_ONCE) * 10;
    }
    Ok(is_more)
}

/// Rows of ours whose lease lapsed: held when the world may have seen an outward command, claimable at once otherwise.
async fn reclaim(db: &mut Db<'_>, conditions: &Conditions, now: Timestamp) -> Result<u32> {
    let slot = lock_slot(db).await?;
    let rows = store::lock_lapsed(db, AT_ONCE, now).await?;
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let ends = rows.into_iter().map(|row| {
        let browser = (slot.command_id == Some(row.command.id)).then_some(slot.fence);
        end_of_lapsed(row, browser, conditions, now)
    });
    let ends: Vec<_> = ends.collect();
    finish::apply(db, &ends.iter().collect::<Vec<_>>(), now).await?;
    Ok(count)
}

fn end_of_lapsed(row: QueueRow, browser: Option<i64>, conditions: &Conditions, now: Timestamp) -> End {
    let worker = row.command.worker_id.clone().unwrap_or_default();
    let is_outward = row.command.verb().is_some_and(crate::safari::Verb::is_outward);
    let (outcome, settlement) = if row.dispatched_at.is_some() && is_outward {
        let what = format!("{worker} had sent the request and was not heard of again; it may have been done");
        (DispatchOutcome::unknown(Reason::WorkerLost, what), Settlement::Held)
    } else {
        let what = format!("{worker} was not heard of again; nothing had been sent");
        let again = Settlement::Again { at: now, retry_count: row.command.retry_count };
        (DispatchOutcome::refused(Repeat::Free, Reason::WorkerLost, what), again)
    };
    let dispatchable = check(&row.command).ok();
    let rest = dispatchable.as_ref().map(|dispatchable| conditions.pacing.rest(super::claimed::time_limit(dispatchable)));
    End {
        key: row.key,
        worker_id: worker,
        number: row.attempts,
        outcome,
        settlement,
        charges: row.charged,
        claimed_at: row.claimed_at.unwrap_or(now),
        service: dispatchable.as_ref().and_then(crate::safari::gate::Dispatchable::service),
        stops: None,
        browser,
        rest: rest.unwrap_or_default(),
        retry_count: row.command.retry_count,
        is_quiet: false,
    }
}
