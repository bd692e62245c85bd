//! The SQL of putting in order.

use crate::safari::queue::row::{QueueRow, columns, readable};
use crate::store::{Db, Stamp, on_db};
use crate::{Result, Timestamp};

/// Rows of our verbs that nobody of us has looked at; the same words as in the index.
macro_rules! new_rows {
    () => {
        "status = 'pending' AND everreach_lane IS NULL AND action IN ('send_dm', 'comment', 'market_research', 'navigate', 'sync', \
         'sync_linkedin', 'score', 'generate', 'pipeline') AND COALESCE(lower(platform), '') NOT IN ('linkedin_chrome', 'upwork')"
    };
}
pub(in crate::safari::queue::claim) use new_rows;

const PROMOTE_SQLITE: &str = "UPDATE safari_command_queue SET everreach_due_at = NULL WHERE rowid IN (SELECT rowid \
     FROM safari_command_queue WHERE status = 'pending' AND everreach_due_at IS NOT NULL AND everreach_due_at <= $1 LIMIT $2)";
#[cfg(feature = "postgres")]
const PROMOTE_POSTGRES: &str = "UPDATE safari_command_queue SET everreach_due_at = NULL WHERE id = ANY (ARRAY(SELECT id \
     FROM safari_command_queue WHERE status = 'pending' AND everreach_due_at IS NOT NULL AND everreach_due_at <= $1 LIMIT $2 \
     FOR UPDATE SKIP LOCKED))";
const NEW_SQLITE: &str =
    concat!("SELECT ", columns!(), " FROM safari_command_queue WHERE ", new_rows!(), " ORDER BY created_at LIMIT $1");
#[cfg(feature = "postgres")]
const NEW_POSTGRES: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE ",
    new_rows!(),
    " ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED"
);
const ABSORB: &str = "UPDATE safari_command_queue SET everreach_lane = $2, everreach_contact = $3, everreach_due_at = $4, \
     priority = COALESCE(priority, 5) WHERE id = $1 AND status = 'pending'";
const LAPSED_SQLITE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE status = 'running' AND everreach_lease_until IS NOT NULL AND everreach_lease_until <= $1 \
     ORDER BY everreach_lease_until LIMIT $2"
);
#[cfg(feature = "postgres")]
const LAPSED_POSTGRES: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE status = 'running' AND everreach_lease_until IS NOT NULL AND everreach_lease_until <= $1 \
     ORDER BY everreach_lease_until LIMIT $2 FOR UPDATE SKIP LOCKED"
);

/// What is asked of SQLite for each claim.
#[cfg(test)]
pub(in crate::safari::queue::claim) const SQLITE_STATEMENTS: [&str; 2] = [PROMOTE_SQLITE, LAPSED_SQLITE];

pub(super) async fn promote(db: &mut Db<'_>, limit: u32, now: Timestamp) -> Result<u64> {
    let statement = match db {
        Db::Sqlite(_) => PROMOTE_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => PROMOTE_POSTGRES,
    };
    Ok(on_db!(db, conn => {
        sqlx::query(statement).bind(Stamp(now)).bind(i64::from(limit)).execute(conn).await.map(|done| done.rows_affected())
    })?)
}

pub(super) async fn lock_new(db: &mut Db<'_>, limit: u32) -> Result<Vec<QueueRow>> {
    let statement = match db {
        Db::Sqlite(_) => NEW_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => NEW_POSTGRES,
    };
    let rows = on_db!(db, conn => sqlx::query_as(statement).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(readable).collect())
}

pub(super) async fn absorb(db: &mut Db<'_>, row: &QueueRow, lane: &str, contact: Option<String>) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(ABSORB)
            .bind(row.key.clone())
            .bind(lane)
            .bind(contact)
            .bind(row.command.due_at().map(Stamp))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(super) async fn lock_lapsed(db: &mut Db<'_>, limit: u32, now: Timestamp) -> Result<Vec<QueueRow>> {
    let statement = match db {
        Db::Sqlite(_) => LAPSED_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => LAPSED_POSTGRES,
    };
    let rows = on_db!(db, conn => {
        sqlx::query_as(statement).bind(Stamp(now)).bind(i64::from(limit)).fetch_all(conn).await
    })?;
    Ok(rows.into_iter().filter_map(readable).collect())
}
