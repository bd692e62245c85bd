//! The SQL that hands a row over with a forwarded call.

use crate::ledger::IdempotencyKey;
use crate::ledger::decision::StoredCall;
use crate::ledger::store::Times;
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

const END_FORWARDING: &str = "UPDATE everreach_attempts SET finished_at = $3, outcome = 'not_executed', detail = $4 \
     WHERE id = $1 AND call_key = $2 AND finished_at IS NULL";
// The request stays what it was; only who works on it changes.
const HAND_OVER: &str = "UPDATE everreach_calls SET owner = $3, fence = fence + 1, lease_until = $4, dispatched_at = NULL, \
     updated_at = $5 WHERE idempotency_key = $1 AND fence = $2 AND state = 'running'";

/// Ends the try that carried the call; says whether it was open.
pub(super) async fn end_forwarding(
    db: &mut Db<'_>,
    key: &IdempotencyKey,
    attempt: Id,
    detail: &str,
    now: Timestamp,
) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(END_FORWARDING)
            .bind(attempt)
            .bind(key.as_str())
            .bind(Stamp(now))
            .bind(detail)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Gives a row to a new owner; says whether the claim that was read still held it.
pub(super) async fn hand_over(db: &mut Db<'_>, call: &StoredCall, owner: &str, times: Times) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(HAND_OVER)
            .bind(call.key.as_str())
            .bind(call.fence)
            .bind(owner)
            .bind(Stamp(times.lease_until))
            .bind(Stamp(times.now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
