//! What needs neither Safari nor a limit: taken many at a time.

use crate::safari::decision::{Conditions, NextStep, Rule, next_step};
use crate::safari::queue::lane::FREE;
use crate::safari::queue::{Claimed, finish};
use crate::store::Db;
use crate::{Result, Timestamp};

use super::store;

pub(in crate::safari::queue) async fn claim_free(
    db: &mut Db<'_>,
    worker: &str,
    wanted: u32,
    conditions: &Conditions,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<Claimed>> {
    let rows = store::take_many(db, worker, FREE, wanted, now, lease_until).await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let number = row.attempts;
        match next_step(&row.command, conditions, now) {
            NextStep::Dispatch(dispatchable) => claimed.push(Claimed {
                key: row.key,
                command: row.command,
                dispatchable,
                worker_id: worker.to_owned(),
                number,
                claimed_at: now,
                lease_until,
                charges: Vec::new(),
                browser: None,
            }),
            // Somebody has changed the row since we looked at it.
            NextStep::Wait { until, why, .. } => {
                let until = if why == Rule::Schedule { until } else { None };
                store::put_back(db, &row.key, until.unwrap_or(now), now).await?;
            }
            NextStep::Refuse { code, detail, .. } => finish::refuse(db, &row, code, &detail, now).await?,
        }
    }
    claimed.sort_by_key(|claimed| claimed.command.turn());
    Ok(claimed)
}
