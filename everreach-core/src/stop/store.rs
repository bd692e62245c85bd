//! The stop switch's SQL.

use super::StopState;
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Result, Timestamp};

const READ: &str = "SELECT stopped, since, reason FROM everreach_stop WHERE id = 1";
// Who stopped first gives the reason.
const STOP: &str = "UPDATE everreach_stop SET stopped = $1, since = $2, reason = $3 WHERE id = 1 AND stopped <> $1";
const RESUME: &str = "UPDATE everreach_stop SET stopped = $1, since = NULL, reason = NULL WHERE id = 1 AND stopped <> $1";

#[derive(sqlx::FromRow)]
struct Row {
    stopped: bool,
    since: Option<Stamp>,
    reason: Option<String>,
}

/// The row; a database without it is damaged, and says nothing about whether it is safe to act.
pub(super) async fn read(db: &mut Db<'_>) -> Result<StopState> {
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(READ).fetch_optional(conn).await)?;
    let row = row.ok_or_else(|| {
        Error::new(ErrorKind::Store, "the row of the stop switch is gone: insert (1, false) into everreach_stop (id, stopped)")
    })?;
    Ok(StopState { stopped: row.stopped, since: row.since.map(Timestamp::from), reason: row.reason })
}

/// Sets it; says whether it was not set before.
pub(super) async fn stop(db: &mut Db<'_>, reason: Option<&str>, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(STOP).bind(true).bind(Stamp(now)).bind(reason).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes it back; says whether it was set before.
pub(super) async fn resume(db: &mut Db<'_>) -> Result<bool> {
    let rows = on_db!(db, conn => sqlx::query(RESUME).bind(false).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}
