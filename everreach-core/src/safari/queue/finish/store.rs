//! Finishing's SQL.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::End;
use super::record::{self, AttemptResult};
use crate::events;
use crate::safari::queue::row::{Changing, Key, QueueRow, RawRow, as_text, columns, readable};
use crate::safari::{CommandStatus, DispatchVerdict, Reason, Service};
use crate::store::{Db, Stamp, on_db};
use crate::{Event, Id, Result, Timestamp};

/// Rows in one statement.
const CHUNK: usize = 500;

// A claim that holds, or one whose command is held as unknown and that nobody has decided about since. SQLite reads a row by place:
// to find a name it compares all names before it.
macro_rules! settle_sqlite {
    () => {
        "UPDATE safari_command_queue AS mine SET status = done.status, result = done.result, error = done.error, \
     retry_count = done.retry_count, next_retry_at = done.next_retry_at, everreach_due_at = done.next_retry_at, \
     everreach_outcome = done.everreach_outcome, everreach_lease_until = NULL, updated_at = $2, \
     everreach_dispatched_at = CASE WHEN done.counts THEN COALESCE(mine.everreach_dispatched_at, $2) END, \
     everreach_charged = CASE WHEN done.counts THEN mine.everreach_charged END \
     FROM (SELECT value ->> 0 AS id, value ->> 1 AS worker_id, value ->> 2 AS number, value ->> 3 AS status, value ->> 4 AS error, \
     value ->> 5 AS retry_count, value ->> 6 AS next_retry_at, value ->> 7 AS everreach_outcome, value ->> 8 AS counts, \
     value -> 9 AS result FROM jsonb_each($1)) AS done \
     WHERE mine.id = done.id AND mine.worker_id = done.worker_id AND mine.everreach_attempts = done.number \
     AND (mine.status = 'running' OR (mine.status = 'failed' AND mine.everreach_outcome = 'unknown'))"
    };
}
const SETTLE_SQLITE: Changing = Changing { plain: settle_sqlite!(), returning: concat!(settle_sqlite!(), " RETURNING id") };
// Through the table's own row type: `result` is text with some and jsonb with others.
#[cfg(feature = "postgres")]
const SETTLE_POSTGRES: &str = "UPDATE safari_command_queue AS mine SET status = done.status, result = done.result, error = done.error, \
     retry_count = done.retry_count, next_retry_at = done.next_retry_at, everreach_due_at = done.everreach_due_at, \
     everreach_outcome = done.everreach_outcome, everreach_lease_until = NULL, updated_at = $2, \
     everreach_dispatched_at = CASE WHEN done.everreach_charged = 'counts' THEN COALESCE(mine.everreach_dispatched_at, $2) END, \
     everreach_charged = CASE WHEN done.everreach_charged = 'counts' THEN mine.everreach_charged END \
     FROM jsonb_populate_recordset(NULL::safari_command_queue, $1) AS done \
     WHERE mine.id = done.id AND mine.worker_id = done.worker_id AND mine.everreach_attempts = done.everreach_attempts \
     AND (mine.status = 'running' OR (mine.status = 'failed' AND mine.everreach_outcome = 'unknown')) RETURNING mine.id";
const ATTEMPTS_SQLITE: &str = "INSERT INTO everreach_safari_attempts (command_id, number, worker_id, service, started_at, finished_at, \
     verdict, reason, detail, answer) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, $2, value ->> 5, \
     value ->> 6, value ->> 7, value ->> 8 FROM jsonb_each($1) WHERE TRUE ON CONFLICT (command_id, number) DO UPDATE SET \
     finished_at = excluded.finished_at, verdict = excluded.verdict, reason = excluded.reason, detail = excluded.detail, answer = excluded.answer";
#[cfg(feature = "postgres")]
const ATTEMPTS_POSTGRES: &str = "INSERT INTO everreach_safari_attempts (command_id, number, worker_id, service, started_at, finished_at, \
     verdict, reason, detail, answer) SELECT command_id, number, worker_id, service, started_at, finished_at, verdict, reason, detail, \
     answer FROM jsonb_populate_recordset(NULL::everreach_safari_attempts, $1) ON CONFLICT (command_id, number) DO UPDATE SET \
     finished_at = excluded.finished_at, verdict = excluded.verdict, reason = excluded.reason, detail = excluded.detail, \
     answer = excluded.answer";
const FIND_SQLITE: &str = concat!("SELECT ", columns!(), " FROM safari_command_queue WHERE id IN ($1, $2)");
#[cfg(feature = "postgres")]
const FIND_POSTGRES: &str = concat!("SELECT ", columns!(), " FROM safari_command_queue WHERE id IN ($1, $2) FOR UPDATE");
const REFUSE_SQLITE: &str = "UPDATE safari_command_queue SET status = done.status, result = done.result, error = done.error, \
     everreach_outcome = 'refused', everreach_lane = COALESCE(everreach_lane, '-'), everreach_lease_until = NULL, updated_at = $2 \
     FROM (SELECT $1 ->> 'id' AS id, $1 ->> 'status' AS status, $1 -> 'result' AS result, $1 ->> 'error' AS error) AS done \
     WHERE safari_command_queue.id = done.id AND safari_command_queue.status = $3";
#[cfg(feature = "postgres")]
const REFUSE_POSTGRES: &str = "UPDATE safari_command_queue AS mine SET status = done.status, result = done.result, error = done.error, \
     everreach_outcome = 'refused', everreach_lane = COALESCE(mine.everreach_lane, '-'), everreach_lease_until = NULL, updated_at = $2 \
     FROM jsonb_populate_record(NULL::safari_command_queue, $1) AS done WHERE mine.id = done.id AND mine.status = $3";
const MOVE: &str = "UPDATE safari_command_queue SET status = $2, everreach_outcome = $3, error = $4, retry_count = $5, \
     next_retry_at = NULL, everreach_due_at = $6, everreach_lease_until = NULL, updated_at = $7, \
     everreach_lane = CASE WHEN everreach_lane = '-' THEN NULL ELSE everreach_lane END, \
     everreach_dispatched_at = CASE WHEN $8 THEN everreach_dispatched_at END, \
     everreach_charged = CASE WHEN $8 THEN everreach_charged END WHERE id = $1 AND status = $9";
const FAILED: &str = "SELECT CAST(id AS TEXT) FROM safari_command_queue WHERE status = 'failed' AND everreach_lane IS NOT NULL \
     AND everreach_lane <> '-' AND everreach_outcome = 'refused' ORDER BY updated_at LIMIT $1";

/// The end of a try as the statements above read it.
#[derive(Serialize)]
struct EndRow<'a> {
    id: &'a str,
    worker_id: &'a str,
    everreach_attempts: u32,
    status: CommandStatus,
    result: AttemptResult<'a>,
    error: Option<Cow<'a, str>>,
    retry_count: u32,
    next_retry_at: Option<&'a str>,
    everreach_due_at: Option<&'a str>,
    everreach_outcome: DispatchVerdict,
    /// The name of a column, so that PostgreSQL's row type takes it.
    everreach_charged: Option<&'static str>,
}

impl<'a> EndRow<'a> {
    /// By place, for SQLite.
    fn places(&self) -> impl Serialize {
        (
            self.id,
            self.worker_id,
            self.everreach_attempts,
            self.status,
            &self.error,
            self.retry_count,
            self.next_retry_at,
            self.everreach_outcome,
            self.everreach_charged.is_some(),
            &self.result,
        )
    }

    fn of(end: &'a End, again: Option<&'a str>, now: &'a str) -> Self {
        let is_done = end.settlement.status() == CommandStatus::Completed;
        Self {
            id: end.key.stored(),
            worker_id: &end.worker_id,
            everreach_attempts: end.number,
            status: end.settlement.status(),
            result: AttemptResult::of(&end.outcome, end.number, now),
            error: (!is_done).then(|| record::detail(&end.outcome.detail)),
            retry_count: end.again().0,
            next_retry_at: again,
            everreach_due_at: again,
            everreach_outcome: end.outcome.verdict,
            everreach_charged: end.outcome.verdict.uses_limit().then_some("counts"),
        }
    }
}

/// Writes the ends of tries; returns those whose claims still held.
pub(super) async fn settle(db: &mut Db<'_>, ends: &[&End], now: Timestamp) -> Result<HashSet<Id>> {
    let mut settled = HashSet::with_capacity(ends.len());
    let written_at = Stamp(now).to_string();
    for chunk in ends.chunks(CHUNK) {
        let again = |end: &&End| end.again().1.filter(|at| *at > now).map(|at| Stamp(at).to_string());
        let again: Vec<_> = chunk.iter().map(again).collect();
        let rows = chunk.iter().zip(&again).map(|(end, again)| EndRow::of(end, again.as_deref(), &written_at));
        let rows = rows.collect::<Vec<_>>();
        let ids: Vec<Id> = match db {
            Db::Sqlite(conn) => {
                let ids = chunk.iter().map(|end| end.key.id()).collect();
                let places = rows.iter().map(EndRow::places).collect::<Vec<_>>();
                SETTLE_SQLITE.run(conn, &as_text(&places)?, ids, now).await?
            }
            #[cfg(feature = "postgres")]
            Db::Postgres(conn) => {
                sqlx::query_scalar(SETTLE_POSTGRES).bind(Json(rows)).bind(Stamp(now)).fetch_all(&mut **conn).await?
            }
        };
        settled.extend(ids);
    }
    Ok(settled)
}

/// A line of the audit trail as the statements above read it.
#[derive(Serialize)]
struct AttemptRow<'a> {
    command_id: Id,
    number: u32,
    worker_id: &'a str,
    service: Option<&'static str>,
    started_at: String,
    finished_at: &'a str,
    verdict: DispatchVerdict,
    reason: Reason,
    detail: Cow<'a, str>,
    answer: Option<String>,
}

impl<'a> AttemptRow<'a> {
    /// By place, for SQLite; all have ended now.
    fn places(&self) -> impl Serialize {
        (
            self.command_id,
            self.number,
            self.worker_id,
            self.service,
            &self.started_at,
            self.verdict,
            self.reason,
            &self.detail,
            &self.answer,
        )
    }

    fn of(end: &'a End, finished_at: &'a str) -> Self {
        Self {
            command_id: end.key.id(),
            number: end.number,
            worker_id: &end.worker_id,
            service: end.service.map(Service::as_str),
            started_at: Stamp(end.claimed_at).to_string(),
            finished_at,
            verdict: end.outcome.verdict,
            reason: end.outcome.reason,
            detail: record::detail(&end.outcome.detail),
            answer: end.outcome.answer.as_ref().map(|answer| record::bounded(answer).to_string()),
        }
    }
}

/// Writes or completes the lines of these tries.
pub(super) async fn write_attempts(db: &mut Db<'_>, ends: &[&End], now: Timestamp) -> Result<()> {
    let finished_at = Stamp(now).to_string();
    for chunk in ends.chunks(CHUNK) {
        let rows = chunk.iter().map(|end| AttemptRow::of(end, &finished_at)).collect::<Vec<_>>();
        match db {
            Db::Sqlite(conn) => {
                let places = Json(rows.iter().map(AttemptRow::places).collect::<Vec<_>>());
                sqlx::query(ATTEMPTS_SQLITE).bind(places).bind(&finished_at).execute(&mut **conn).await.map(drop)?;
            }
            #[cfg(feature = "postgres")]
            Db::Postgres(conn) => sqlx::query(ATTEMPTS_POSTGRES).bind(Json(rows)).execute(&mut **conn).await.map(drop)?,
        }
    }
    Ok(())
}

/// A command by its id, which nobody else can change until the transaction ends.
pub(super) async fn lock(db: &mut Db<'_>, id: Id) -> Result<Option<QueueRow>> {
    let statement = match db {
        Db::Sqlite(_) => FIND_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => FIND_POSTGRES,
    };
    let row: Option<RawRow> = on_db!(db, conn => {
        sqlx::query_as(statement).bind(Key::of(id)).bind(Key::without_hyphens(id)).fetch_optional(conn).await
    })?;
    Ok(row.and_then(readable))
}

/// Fails a row for good that will never be sent; it stays as it is when somebody else has changed it.
pub(in crate::safari::queue) async fn refuse(
    db: &mut Db<'_>,
    row: &QueueRow,
    code: &str,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    let detail = record::detail(detail);
    let result = json!({"outcome": "refused", "reason": code, "detail": detail, "verified": false, "at": Stamp(now).to_string()});
    let done = Json(json!({"id": row.key.stored(), "status": CommandStatus::Failed, "result": result, "error": detail}));
    let from = row.command.status.as_str();
    let rows = match db {
        Db::Sqlite(conn) => {
            sqlx::query(REFUSE_SQLITE).bind(done).bind(Stamp(now)).bind(from).execute(&mut **conn).await?.rows_affected()
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            sqlx::query(REFUSE_POSTGRES).bind(done).bind(Stamp(now)).bind(from).execute(&mut **conn).await?.rows_affected()
        }
    };
    if rows == 1 {
        let data = json!({"reason": code, "detail": detail});
        events::append(db, &Event::new(now, "safari.refused", row.command.id.to_string()).with_data(data)).await?;
    }
    Ok(())
}

/// What a locked row becomes by a person's word.
#[derive(Debug)]
pub(super) struct Move<'a> {
    pub(super) status: CommandStatus,
    pub(super) outcome: Option<&'a str>,
    pub(super) error: Option<&'a str>,
    pub(super) retry_count: u32,
    pub(super) due_at: Option<Timestamp>,
    /// Whether the world may have seen it.
    pub(super) counts: bool,
}

pub(super) async fn change(db: &mut Db<'_>, row: &QueueRow, to: &Move<'_>, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(MOVE)
            .bind(row.key.clone())
            .bind(to.status.as_str())
            .bind(to.outcome)
            .bind(to.error)
            .bind(i64::from(to.retry_count))
            .bind(to.due_at.map(Stamp))
            .bind(Stamp(now))
            .bind(to.counts)
            .bind(row.command.status.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Commands of ours that certainly were not done, oldest first.
pub(super) async fn failed(db: &mut Db<'_>, limit: u32) -> Result<Vec<Id>> {
    let ids: Vec<String> = on_db!(db, conn => sqlx::query_scalar(FAILED).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
}
