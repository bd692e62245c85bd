//! Claiming's SQL.

use std::collections::BTreeSet;

use sqlx::types::Json;

use crate::safari::Contact;
use crate::safari::queue::counters::Charge;
use crate::safari::queue::groups::HELD;
use crate::safari::queue::row::{Key, QueueRow, RawRow, columns, one_value, readable};
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

/// Rows of our verbs that nobody of us has looked at; the same words as in the index.
macro_rules! new_rows {
    () => {
        "status = 'pending' AND everreach_lane IS NULL AND action IN ('send_dm', 'comment', 'market_research', 'navigate', 'sync', \
         'sync_linkedin', 'score', 'generate', 'pipeline') AND COALESCE(lower(platform), '') NOT IN ('linkedin_chrome', 'upwork')"
    };
}
/// Rows that may be claimed; the same words as in the index.
macro_rules! ready {
    () => {
        "status = 'pending' AND everreach_lane IS NOT NULL AND everreach_due_at IS NULL"
    };
}

// Each by the first entry of its index: EXISTS leaves PostgreSQL free to read through the table when its statistics are old.
const PROBE: &str = concat!(
    "SELECT COALESCE((SELECT MIN(everreach_lease_until) FROM safari_command_queue WHERE status = 'running' \
     AND everreach_lease_until IS NOT NULL) <= $1, FALSE) AS lapsed, (SELECT 1 FROM safari_command_queue WHERE ",
    new_rows!(),
    " ORDER BY created_at LIMIT 1) IS NOT NULL AS new, COALESCE((SELECT MIN(everreach_due_at) FROM safari_command_queue \
     WHERE status = 'pending' AND everreach_due_at IS NOT NULL) <= $1, FALSE) AS due, EXISTS (SELECT 1 FROM everreach_safari_groups \
     WHERE approval = 'pending' AND expires_at IS NOT NULL AND expires_at <= $1) AS approvals, (SELECT 1 FROM safari_command_queue WHERE ",
    ready!(),
    " AND everreach_lane = 'free' ORDER BY priority, created_at, id LIMIT 1) IS NOT NULL AS free, \
     (SELECT MIN(everreach_lane) FROM safari_command_queue WHERE ",
    ready!(),
    " AND everreach_lane < 'free') IS NOT NULL OR (SELECT MIN(everreach_lane) FROM safari_command_queue WHERE ",
    ready!(),
    " AND everreach_lane > 'free') IS NOT NULL AS browser"
);
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
/// From lane to lane without reading the rows between, then the first row of each.
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
            " AND everreach_lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL), heads (head) AS (SELECT (SELECT id FROM ",
            $queue,
            " WHERE ",
            ready!(),
            " AND everreach_lane = lanes.lane ORDER BY priority, created_at, id LIMIT 1) FROM lanes WHERE lanes.lane IS NOT NULL \
             AND lanes.lane <> 'free' AND lanes.lane NOT IN "
        )
    };
}
const HEADS_SQLITE: &str = concat!(
    lanes!(by_turn!()),
    "(SELECT value FROM json_each($1))) SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE id IN (SELECT head FROM heads)"
);
#[cfg(feature = "postgres")]
const HEADS_POSTGRES: &str = concat!(
    lanes!("safari_command_queue"),
    "(SELECT jsonb_array_elements_text($1))) SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE id IN (SELECT head FROM heads)"
);
const TAKE_ONE: &str = "UPDATE safari_command_queue SET status = 'running', worker_id = $2, everreach_attempts = everreach_attempts + 1, \
     everreach_claimed_at = $3, everreach_lease_until = $4, everreach_dispatched_at = NULL, everreach_charged = $5, \
     everreach_contact = $6, updated_at = $3 WHERE id = $1 AND status = 'pending' AND everreach_due_at IS NULL \
     RETURNING CAST(everreach_attempts AS BIGINT)";
const PUT_BACK: &str = "UPDATE safari_command_queue SET status = 'pending', everreach_lease_until = NULL, everreach_due_at = $2, \
     updated_at = $3 WHERE id = $1 AND status = 'running'";
const PUT_ASIDE: &str = "UPDATE safari_command_queue SET everreach_due_at = $2 WHERE id = $1 AND status = 'pending'";
const CHANGE_LANE: &str = "UPDATE safari_command_queue SET everreach_lane = $2 WHERE id = $1 AND status = 'pending'";
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
const LAST_DM: &str = "SELECT MAX(everreach_dispatched_at) FROM safari_command_queue WHERE everreach_contact = $1 \
     AND everreach_dispatched_at > $2 AND action = 'send_dm' AND id <> $3";

/// What is asked of SQLite for each claim.
#[cfg(test)]
pub(super) const SQLITE_STATEMENTS: [&str; 6] =
    [PROBE, NEXT_SQLITE, TAKE_NEXT_SQLITE, HEADS_SQLITE, PROMOTE_SQLITE, LAPSED_SQLITE];

/// What there is to do.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
pub(in crate::safari) struct Probe {
    /// Leases lapsed.
    pub(in crate::safari::queue) lapsed: bool,
    /// Rows of other programs wait to be looked at.
    pub(in crate::safari::queue) new: bool,
    /// Rows whose time has come.
    pub(in crate::safari::queue) due: bool,
    /// Questions that nobody answered in time.
    pub(in crate::safari::queue) approvals: bool,
    /// Something that needs no browser can be claimed.
    pub(in crate::safari::queue) free: bool,
    /// Something that needs the browser may be claimed, if its rules let it.
    pub(in crate::safari::queue) browser: bool,
}

impl Probe {
    pub(in crate::safari) const fn is_nothing(self) -> bool {
        !(self.free || self.browser || self.is_out_of_order())
    }

    /// Whether something has to be put in order before a claim.
    pub(in crate::safari::queue) const fn is_out_of_order(self) -> bool {
        self.lapsed || self.new || self.due || self.approvals
    }

    /// Whether what can be claimed may need a service.
    pub(in crate::safari) const fn is_more_than_free(self) -> bool {
        self.browser || self.is_out_of_order()
    }
}

pub(in crate::safari::queue) async fn probe(db: &mut Db<'_>, now: Timestamp) -> Result<Probe> {
    Ok(on_db!(db, conn => sqlx::query_as(PROBE).bind(Stamp(now)).fetch_one(conn).await)?)
}

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
    Ok(all_readable(rows))
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
    Ok(all_readable(rows))
}

/// When we last wrote, or may have written, to somebody.
pub(super) async fn last_dm(db: &mut Db<'_>, contact: &Contact, but: Id, since: Timestamp) -> Result<Option<Timestamp>> {
    let last: Option<Stamp> = on_db!(db, conn => {
        sqlx::query_scalar(LAST_DM).bind(contact.to_string()).bind(Stamp(since)).bind(Key::of(but)).fetch_one(conn).await
    })?;
    Ok(last.map(Timestamp::from))
}
