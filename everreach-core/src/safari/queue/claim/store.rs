//! Claiming's SQL.

use std::collections::BTreeSet;

use sqlx::types::Json;

use crate::safari::queue::counters::Charge;
use crate::safari::queue::groups::HELD;
use crate::safari::queue::row::{Key, QueueRow, RawRow, columns, one_value, readable};
use crate::safari::{Contact, Service};
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

/// Rows that may be claimed; the same words as in the index.
macro_rules! ready {
    () => {
        "status = 'pending' AND everreach_lane IS NOT NULL AND everreach_due_at IS NULL"
    };
}

// SQLite is told the index: from statistics by which a lane holds most of the rows, it would read them all to find the first.
macro_rules! by_turn {
    () => {
        "safari_command_queue INDEXED BY everreach_safari_queue_ready"
    };
}
/// The next rows of a lane.
macro_rules! next_rows {
    () => {
        concat!(
            "SELECT rowid FROM ",
            by_turn!(),
            " WHERE ",
            ready!(),
            " AND everreach_lane = $1 ORDER BY priority, created_at, id LIMIT $2"
        )
    };
}
// Each row that SQLite returns is a message between two threads, with a copy of each column: one value for all rows is several
// times faster. What is read and then changed is the same, since nobody else writes meanwhile.
const NEXT_SQLITE: &str =
    concat!("SELECT json_group_array(", one_value!(), ") FROM safari_command_queue WHERE rowid IN (", next_rows!(), ")");
const TAKE_NEXT_SQLITE: &str = concat!(
    "UPDATE safari_command_queue SET status = 'running', worker_id = $3, everreach_attempts = everreach_attempts + 1, \
     everreach_claimed_at = $4, everreach_lease_until = $5, everreach_dispatched_at = NULL, updated_at = $4 WHERE rowid IN (",
    next_rows!(),
    ")"
);
#[cfg(feature = "postgres")]
const TAKE_MANY_POSTGRES: &str = concat!(
    "UPDATE safari_command_queue SET status = 'running', worker_id = $1, everreach_attempts = everreach_attempts + 1, \
     everreach_claimed_at = $2, everreach_lease_until = $3, everreach_dispatched_at = NULL, updated_at = $2 \
     WHERE id = ANY (ARRAY(SELECT id FROM safari_command_queue WHERE ",
    ready!(),
    " AND everreach_lane = $4 ORDER BY priority, created_at, id LIMIT $5 FOR UPDATE SKIP LOCKED)) RETURNING ",
    columns!()
);
/// From lane to lane without reading the rows between.
macro_rules! lanes {
    ($queue:expr) => {
        concat!(
            "WITH RECURSIVE lanes (lane) AS (SELECT (SELECT MIN(everreach_lane) FROM ",
            $queue,
            " WHERE ",
            ready!(),
            ") UNION ALL SELECT (SELECT MIN(everreach_lane) FROM ",
            $queue,
            " WHERE ",
            ready!(),
            " AND everreach_lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL)"
        )
    };
}
/// The first row of each lane but the free one and those that follow.
macro_rules! heads {
    ($queue:expr) => {
        concat!(
            lanes!($queue),
            ", heads (head) AS (SELECT (SELECT id FROM ",
            $queue,
            " WHERE ",
            ready!(),
            " AND everreach_lane = lanes.lane ORDER BY priority, created_at, id LIMIT 1) FROM lanes WHERE lanes.lane IS NOT NULL \
             AND lanes.lane <> 'free' AND lanes.lane NOT IN "
        )
    };
}
const HEADS_SQLITE: &str = concat!(
    heads!(by_turn!()),
    "(SELECT value FROM json_each($1))) SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE id IN (SELECT head FROM heads)"
);
#[cfg(feature = "postgres")]
const HEADS_POSTGRES: &str = concat!(
    heads!("safari_command_queue"),
    "(SELECT jsonb_array_elements_text($1))) SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE id IN (SELECT head FROM heads)"
);
/// The rows of the lanes whose names end so: a lane is made of the verb, the platform and the service.
macro_rules! blocked {
    ($queue:expr) => {
        concat!(
            lanes!($queue),
            " SELECT CAST(COALESCE(SUM((SELECT COUNT(*) FROM ",
            $queue,
            " WHERE ",
            ready!(),
            " AND everreach_lane = lanes.lane)), 0) AS BIGINT) FROM lanes WHERE lanes.lane LIKE $1"
        )
    };
}
const BLOCKED_SQLITE: &str = blocked!(by_turn!());
#[cfg(feature = "postgres")]
const BLOCKED_POSTGRES: &str = blocked!("safari_command_queue");
const TAKE_ONE: &str = "UPDATE safari_command_queue SET status = 'running', worker_id = $2, everreach_attempts = everreach_attempts + 1, \
     everreach_claimed_at = $3, everreach_lease_until = $4, everreach_dispatched_at = NULL, everreach_charged = $5, \
     everreach_contact = $6, updated_at = $3 WHERE id = $1 AND status = 'pending' AND everreach_due_at IS NULL \
     RETURNING CAST(everreach_attempts AS BIGINT)";
const PUT_BACK: &str = "UPDATE safari_command_queue SET status = 'pending', everreach_lease_until = NULL, everreach_due_at = $2, \
     updated_at = $3 WHERE id = $1 AND status = 'running'";
const PUT_ASIDE: &str = "UPDATE safari_command_queue SET everreach_due_at = $2 WHERE id = $1 AND status = 'pending'";
const CHANGE_LANE: &str = "UPDATE safari_command_queue SET everreach_lane = $2 WHERE id = $1 AND status = 'pending'";
const LAST_DM: &str = "SELECT MAX(everreach_dispatched_at) FROM safari_command_queue WHERE everreach_contact = $1 \
     AND everreach_dispatched_at > $2 AND action = 'send_dm' AND id <> $3";

pub(super) use ready;

/// What is asked of SQLite for each claim.
#[cfg(test)]
pub(super) const SQLITE_STATEMENTS: [&str; 4] = [NEXT_SQLITE, TAKE_NEXT_SQLITE, HEADS_SQLITE, BLOCKED_SQLITE];

fn all_readable(rows: Vec<RawRow>) -> Vec<QueueRow> {
    rows.into_iter().filter_map(readable).collect()
}

/// Claims the next rows of a lane, as they were before but for the number of the attempt.
pub(super) async fn take_many(
    db: &mut Db<'_>,
    worker: &str,
    lane: &str,
    wanted: u32,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Vec<QueueRow>> {
    let wanted = i64::from(wanted);
    let rows = match db {
        Db::Sqlite(conn) => {
            let Json(rows): Json<Vec<RawRow>> =
                sqlx::query_scalar(NEXT_SQLITE).bind(lane).bind(wanted).fetch_one(&mut **conn).await?;
            if !rows.is_empty() {
                let take = sqlx::query(TAKE_NEXT_SQLITE).bind(lane).bind(wanted);
                take.bind(worker).bind(Stamp(now)).bind(Stamp(lease_until)).execute(&mut **conn).await.map(drop)?;
            }
            rows
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let take = sqlx::query_as(TAKE_MANY_POSTGRES).bind(worker).bind(Stamp(now)).bind(Stamp(lease_until));
            take.bind(lane).bind(wanted).fetch_all(&mut **conn).await?
        }
    };
    let mut rows = all_readable(rows);
    for row in &mut rows {
        row.was_claimed(worker, now, lease_until);
    }
    Ok(rows)
}

/// The first row of each lane but these, in the order of their turn.
pub(super) async fn heads(db: &mut Db<'_>, without: &BTreeSet<String>) -> Result<Vec<QueueRow>> {
    let without = Json(without);
    let rows: Vec<RawRow> = match db {
        Db::Sqlite(conn) => sqlx::query_as(HEADS_SQLITE).bind(without).fetch_all(&mut **conn).await?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => sqlx::query_as(HEADS_POSTGRES).bind(without).fetch_all(&mut **conn).await?,
    };
    let mut rows = all_readable(rows);
    rows.sort_by_key(|row| row.command.turn());
    Ok(rows)
}

/// Claims one row; returns the number of the attempt, or nothing when somebody else was faster.
pub(super) async fn take_one(
    db: &mut Db<'_>,
    key: &Key,
    worker: &str,
    now: Timestamp,
    lease_until: Timestamp,
    charges: &[Charge],
    contact: Option<String>,
) -> Result<Option<u32>> {
    let charged = if charges.is_empty() { None } else { serde_json::to_string(charges).ok() };
    let number: Option<i64> = on_db!(db, conn => {
        sqlx::query_scalar(TAKE_ONE)
            .bind(key.clone())
            .bind(worker)
            .bind(Stamp(now))
            .bind(Stamp(lease_until))
            .bind(charged)
            .bind(contact)
            .fetch_optional(conn)
            .await
    })?;
    Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
}

/// Gives up a row that was just claimed and may not go yet.
pub(super) async fn put_back(db: &mut Db<'_>, key: &Key, due_at: Timestamp, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(PUT_BACK).bind(key.clone()).bind(Stamp(due_at)).bind(Stamp(now)).execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// Looks at a row again at this time; without one when a person says so.
pub(super) async fn put_aside(db: &mut Db<'_>, key: &Key, until: Option<Timestamp>) -> Result<()> {
    let until = until.map(Stamp).or_else(|| Stamp::parse(HELD));
    on_db!(db, conn => sqlx::query(PUT_ASIDE).bind(key.clone()).bind(until).execute(conn).await.map(drop))?;
    Ok(())
}

pub(super) async fn change_lane(db: &mut Db<'_>, key: &Key, lane: &str) -> Result<()> {
    on_db!(db, conn => sqlx::query(CHANGE_LANE).bind(key.clone()).bind(lane).execute(conn).await.map(drop))?;
    Ok(())
}

/// When we last wrote, or may have written, to somebody.
pub(super) async fn last_dm(db: &mut Db<'_>, contact: &Contact, but: Id, since: Timestamp) -> Result<Option<Timestamp>> {
    let last: Option<Stamp> = on_db!(db, conn => {
        sqlx::query_scalar(LAST_DM).bind(contact.to_string()).bind(Stamp(since)).bind(Key::of(but)).fetch_one(conn).await
    })?;
    Ok(last.map(Timestamp::from))
}

/// How many commands could be claimed if this service were up.
pub(in crate::safari) async fn blocked_by(db: &mut Db<'_>, service: Service) -> Result<u64> {
    let statement = match db {
        Db::Sqlite(_) => BLOCKED_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => BLOCKED_POSTGRES,
    };
    let lanes = format!("%.{service}");
    let count: i64 = on_db!(db, conn => sqlx::query_scalar(statement).bind(lanes).fetch_one(conn).await)?;
    Ok(u64::try_from(count).unwrap_or(0))
}
