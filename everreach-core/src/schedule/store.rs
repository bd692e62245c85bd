//! The schedule's SQL: the slots in `actp_cron_log`, and how far each job is settled.

use std::time::Duration;

use sqlx::FromRow as _;

use super::record::Row;
use super::{JobName, KnownSlot, KnownSlots, Mark, Origin, SlotRecord, SlotStatus};
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Side, Timestamp};

const MARK: &str = "SELECT first_start, settled_until FROM everreach_cron_marks WHERE job_name = $1 AND timing = $2";
const SET_MARK: &str = "INSERT INTO everreach_cron_marks (job_name, timing, first_start, settled_until) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (job_name, timing) DO UPDATE SET first_start = excluded.first_start, settled_until = excluded.settled_until";
const KEEP_MARK: &str = "INSERT INTO everreach_cron_marks (job_name, timing, first_start, settled_until) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (job_name, timing) DO NOTHING";
const ROWS: &str = "SELECT scheduled_at, fired_at, everreach_status FROM actp_cron_log \
     WHERE job_name = $1 AND scheduled_at > $2 AND everreach_status IS NOT NULL ORDER BY scheduled_at";
const RUNNING: &str = "SELECT scheduled_at FROM actp_cron_log WHERE job_name = $1 AND everreach_status = 'running' \
     ORDER BY scheduled_at LIMIT 1";
// Other programs write their times in many forms, which only share that the date comes first.
const FOREIGN_SQLITE: &str = "SELECT CAST(fired_at AS TEXT) FROM actp_cron_log \
     WHERE job_name = $1 AND scheduled_at IS NULL AND fired_at >= $2";
#[cfg(feature = "postgres")]
const FOREIGN_POSTGRES: &str =
    "SELECT fired_at FROM actp_cron_log WHERE job_name = $1 AND scheduled_at IS NULL AND fired_at >= $2";
// Two that decide on slots of one job do so one after the other. SQLite has one writer anyway.
#[cfg(feature = "postgres")]
const LOCK_POSTGRES: &str = "SELECT pg_advisory_xact_lock(hashtextextended('everreach cron ' || $1, 0))";
const FIRE: &str = "INSERT INTO actp_cron_log \
     (id, job_name, fired_at, env, ok, scheduled_at, everreach_status, everreach_origin, everreach_event, everreach_runner, everreach_epoch) \
     VALUES ($1, $2, $3, $4, NULL, $5, 'running', $6, $7, $8, $9) \
     ON CONFLICT (job_name, scheduled_at) WHERE scheduled_at IS NOT NULL DO UPDATE SET fired_at = excluded.fired_at, env = excluded.env, \
     ok = NULL, everreach_status = 'running', everreach_reason = NULL, everreach_origin = excluded.everreach_origin, \
     everreach_event = excluded.everreach_event, everreach_runner = excluded.everreach_runner, everreach_epoch = excluded.everreach_epoch \
     WHERE actp_cron_log.everreach_status = 'missed' AND ($10 OR actp_cron_log.fired_at > excluded.fired_at) RETURNING id";
const MISS: &str = "INSERT INTO actp_cron_log (id, job_name, fired_at, env, ok, scheduled_at, everreach_status, everreach_reason, everreach_origin) \
     VALUES ($1, $2, $3, $4, FALSE, $5, 'missed', $6, 'schedule') \
     ON CONFLICT (job_name, scheduled_at) WHERE scheduled_at IS NOT NULL DO UPDATE SET fired_at = excluded.fired_at, \
     everreach_reason = excluded.everreach_reason \
     WHERE actp_cron_log.everreach_status = 'missed' AND actp_cron_log.fired_at > excluded.fired_at RETURNING id";
const BY_EVENT: &str = "SELECT scheduled_at FROM actp_cron_log WHERE job_name = $1 AND everreach_event = $2";
const LEASE_SQLITE: &str = "UPDATE actp_cron_log SET everreach_lease_until = $3 WHERE id = $1 AND everreach_runner = $2 AND everreach_status = 'running'";
#[cfg(feature = "postgres")]
const LEASE_POSTGRES: &str = "UPDATE actp_cron_log SET everreach_lease_until = clock_timestamp() + $3 * INTERVAL '1 microsecond' \
     WHERE id = $1 AND everreach_runner = $2 AND everreach_status = 'running'";
const ABANDON_SQLITE: &str = "UPDATE actp_cron_log SET everreach_status = 'abandoned', ok = FALSE, everreach_reason = $2 \
     WHERE everreach_status = 'running' AND everreach_runner <> $1 AND everreach_lease_until <= $3 RETURNING job_name, scheduled_at";
#[cfg(feature = "postgres")]
const ABANDON_POSTGRES: &str = "UPDATE actp_cron_log SET everreach_status = 'abandoned', ok = FALSE, everreach_reason = $2 \
     WHERE everreach_status = 'running' AND everreach_runner <> $1 AND everreach_lease_until <= clock_timestamp() \
     RETURNING job_name, scheduled_at";
const ABANDON_OWN: &str = "UPDATE actp_cron_log SET everreach_status = 'abandoned', ok = FALSE, everreach_reason = $3 \
     WHERE id = $1 AND everreach_runner = $2 AND everreach_status = 'running' RETURNING job_name, scheduled_at";
const RUNNING_BY: &str = "SELECT id, job_name, scheduled_at, everreach_origin FROM actp_cron_log \
     WHERE everreach_status = 'running' AND everreach_runner = $1";
const STEPS: &str = "UPDATE actp_cron_log SET everreach_steps = $3 WHERE id = $1 AND everreach_runner = $2";
// One that was taken for dead and was not tells what really became of its run.
const FINISH: &str = "UPDATE actp_cron_log SET everreach_status = $3, ok = $4, duration_ms = $5, everreach_reason = $6, everreach_steps = $7, \
     everreach_lease_until = NULL WHERE id = $1 AND everreach_runner = $2 AND everreach_status IN ('running', 'abandoned')";
const HISTORY: &str = "SELECT id, job_name, fired_at, env, CAST(duration_ms AS BIGINT) AS duration_ms, ok, scheduled_at, everreach_status, \
     everreach_reason, everreach_origin, everreach_epoch, everreach_steps FROM actp_cron_log \
     WHERE (CAST($1 AS TEXT) IS NULL OR job_name = $1) AND (NOT $2 OR COALESCE(everreach_status, 'ok') <> 'missed') \
     ORDER BY fired_at DESC, scheduled_at DESC LIMIT $3";
const FIND: &str = "SELECT id, job_name, fired_at, env, CAST(duration_ms AS BIGINT) AS duration_ms, ok, scheduled_at, everreach_status, \
     everreach_reason, everreach_origin, everreach_epoch, everreach_steps FROM actp_cron_log WHERE job_name = $1 AND scheduled_at = $2";
const COUNT_RUNNING: &str = "SELECT COUNT(*) FROM actp_cron_log WHERE everreach_status = 'running'";
const PRUNE: &str =
    "DELETE FROM actp_cron_log WHERE scheduled_at < $1 AND everreach_status IN ('ok', 'failed', 'missed', 'abandoned')";

/// A slot to be fired.
pub(super) struct Firing<'a> {
    pub(super) job: &'a JobName,
    pub(super) slot: Timestamp,
    pub(super) side: Side,
    pub(super) origin: Origin,
    pub(super) event: Option<&'a str>,
    pub(super) runner: &'a str,
    pub(super) epoch: Option<i64>,
}

pub(super) async fn mark(db: &mut Db<'_>, job: &JobName, timing: &str) -> Result<Option<Mark>> {
    let row: Option<(Stamp, Stamp)> =
        on_db!(db, conn => sqlx::query_as(MARK).bind(job.as_str()).bind(timing).fetch_optional(conn).await)?;
    Ok(row.map(|(first_start, settled_until)| Mark { first_start: first_start.0, settled_until: settled_until.0 }))
}

/// Writes the mark of a job that has none yet; says nothing of one that somebody else wrote meanwhile.
pub(super) async fn start(db: &mut Db<'_>, job: &JobName, timing: &str, mark: Mark) -> Result<()> {
    write_mark(db, KEEP_MARK, job, timing, mark).await
}

pub(super) async fn set_mark(db: &mut Db<'_>, job: &JobName, timing: &str, mark: Mark) -> Result<()> {
    write_mark(db, SET_MARK, job, timing, mark).await
}

async fn write_mark(db: &mut Db<'_>, statement: &'static str, job: &JobName, timing: &str, mark: Mark) -> Result<()> {
    let (first, until) = (Stamp(mark.first_start), Stamp(mark.settled_until));
    on_db!(db, conn => {
        sqlx::query(statement).bind(job.as_str()).bind(timing).bind(first).bind(until).execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// What is known of the job's slots after `from`.
pub(super) async fn known(db: &mut Db<'_>, job: &JobName, from: Timestamp) -> Result<KnownSlots> {
    let rows: Vec<(Stamp, Stamp, String)> =
        on_db!(db, conn => sqlx::query_as(ROWS).bind(job.as_str()).bind(Stamp(from)).fetch_all(conn).await)?;
    let rows = rows.into_iter().map(|(slot, written_at, status)| {
        // A word of a later version: whatever it means, the slot is settled.
        let status = status.parse().unwrap_or(SlotStatus::Failed);
        KnownSlot { slot: slot.0, written_at: written_at.0, status }
    });
    Ok(KnownSlots { rows: rows.collect(), foreign: foreign(db, job, from).await?, running: running(db, job).await? })
}

async fn foreign(db: &mut Db<'_>, job: &JobName, from: Timestamp) -> Result<Vec<Timestamp>> {
    Ok(match db {
        Db::Sqlite(conn) => {
            let day = from.date_naive().pred_opt().unwrap_or(from.date_naive()).to_string();
            let found: Vec<String> =
                sqlx::query_scalar(FOREIGN_SQLITE).bind(job.as_str()).bind(day).fetch_all(&mut **conn).await?;
            found.iter().filter_map(|text| Stamp::parse(text)).map(|at| at.0).filter(|at| *at >= from).collect()
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let found: Vec<Stamp> =
                sqlx::query_scalar(FOREIGN_POSTGRES).bind(job.as_str()).bind(Stamp(from)).fetch_all(&mut **conn).await?;
            found.into_iter().map(|at| at.0).collect()
        }
    })
}

/// The oldest slot of the job that is being run.
pub(super) async fn running(db: &mut Db<'_>, job: &JobName) -> Result<Option<Timestamp>> {
    let slot: Option<Stamp> = on_db!(db, conn => sqlx::query_scalar(RUNNING).bind(job.as_str()).fetch_optional(conn).await)?;
    Ok(slot.map(|slot| slot.0))
}

/// From here to the end of the transaction nobody else decides on slots of this job.
#[cfg_attr(not(feature = "postgres"), allow(clippy::unused_async, reason = "the twin with the feature waits"))]
pub(super) async fn lock(db: &mut Db<'_>, job: &JobName) -> Result<()> {
    #[cfg(feature = "postgres")]
    if let Db::Postgres(conn) = db {
        sqlx::query(LOCK_POSTGRES).bind(job.as_str()).execute(&mut **conn).await?;
    }
    #[cfg(not(feature = "postgres"))]
    let _one_writer = (db, job);
    Ok(())
}

/// Whether a row may be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// One that says `missed` is fired after all.
    FireAnyway,
    /// One that says `missed` stays, unless a clock that went wrong wrote it.
    Respect,
}

/// Fires the slot if nobody has; `None` when somebody did.
pub(super) async fn fire(
    db: &mut Db<'_>,
    firing: &Firing<'_>,
    missing: Missing,
    ttl: Duration,
    now: Timestamp,
) -> Result<Option<Id>> {
    let id: Option<Id> = on_db!(db, conn => {
        sqlx::query_scalar(FIRE)
            .bind(Id::new())
            .bind(firing.job.as_str())
            .bind(Stamp(now))
            .bind(firing.side.as_str())
            .bind(Stamp(firing.slot))
            .bind(firing.origin.as_str())
            .bind(firing.event)
            .bind(firing.runner)
            .bind(firing.epoch)
            .bind(missing == Missing::FireAnyway)
            .fetch_optional(conn)
            .await
    })?;
    if let Some(id) = id {
        lease(db, id, firing.runner, ttl, now).await?;
    }
    Ok(id)
}

/// Logs the slot as missed if nothing is known of it; says whether it did.
pub(super) async fn miss(db: &mut Db<'_>, job: &JobName, slot: Timestamp, side: Side, why: &str, now: Timestamp) -> Result<bool> {
    let id: Option<Id> = on_db!(db, conn => {
        sqlx::query_scalar(MISS)
            .bind(Id::new())
            .bind(job.as_str())
            .bind(Stamp(now))
            .bind(side.as_str())
            .bind(Stamp(slot))
            .bind(why)
            .fetch_optional(conn)
            .await
    })?;
    Ok(id.is_some())
}

/// The slot that this delivery fired.
pub(super) async fn fired_by(db: &mut Db<'_>, job: &JobName, event: &str) -> Result<Option<Timestamp>> {
    let slot: Option<Stamp> =
        on_db!(db, conn => sqlx::query_scalar(BY_EVENT).bind(job.as_str()).bind(event).fetch_optional(conn).await)?;
    Ok(slot.map(|slot| slot.0))
}

/// Says that the runner is alive; `false` when the row no longer says that it runs.
pub(super) async fn lease(db: &mut Db<'_>, id: Id, runner: &str, ttl: Duration, now: Timestamp) -> Result<bool> {
    let rows = match db {
        Db::Sqlite(conn) => {
            let asked = sqlx::query(LEASE_SQLITE).bind(id).bind(runner).bind(Stamp(now + ttl));
            asked.execute(&mut **conn).await?.rows_affected()
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let micros = ttl.as_secs_f64() * 1e6;
            sqlx::query(LEASE_POSTGRES).bind(id).bind(runner).bind(micros).execute(&mut **conn).await?.rows_affected()
        }
    };
    Ok(rows == 1)
}

/// A row that says its slot is being run.
pub(super) struct RunningRow {
    pub(super) id: Id,
    pub(super) job: JobName,
    pub(super) slot: Timestamp,
    pub(super) origin: Option<String>,
}

/// The slots that this runner runs, as the log says.
pub(super) async fn running_by(db: &mut Db<'_>, runner: &str) -> Result<Vec<RunningRow>> {
    let rows: Vec<(Id, String, Stamp, Option<String>)> =
        on_db!(db, conn => sqlx::query_as(RUNNING_BY).bind(runner).fetch_all(conn).await)?;
    let row = |(id, job, slot, origin): (Id, String, Stamp, Option<String>)| {
        Some(RunningRow { id, job: job.parse().ok()?, slot: slot.0, origin })
    };
    Ok(rows.into_iter().filter_map(row).collect())
}

/// Marks the slots whose runners vanished, and those of `lost`, which `me` fired and does not run.
pub(super) async fn abandon(
    db: &mut Db<'_>,
    me: &str,
    lost: &[Id],
    why: &str,
    now: Timestamp,
) -> Result<Vec<(String, Timestamp)>> {
    let mut found: Vec<(String, Stamp)> = match db {
        Db::Sqlite(conn) => sqlx::query_as(ABANDON_SQLITE).bind(me).bind(why).bind(Stamp(now)).fetch_all(&mut **conn).await?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => sqlx::query_as(ABANDON_POSTGRES).bind(me).bind(why).fetch_all(&mut **conn).await?,
    };
    for id in lost {
        let own: Option<(String, Stamp)> =
            on_db!(db, conn => sqlx::query_as(ABANDON_OWN).bind(id).bind(me).bind(why).fetch_optional(conn).await)?;
        found.extend(own);
    }
    Ok(found.into_iter().map(|(job, slot)| (job, slot.0)).collect())
}

/// Keeps what the steps answered so far.
pub(super) async fn keep_steps(db: &mut Db<'_>, id: Id, runner: &str, steps: &str) -> Result<()> {
    on_db!(db, conn => sqlx::query(STEPS).bind(id).bind(runner).bind(steps).execute(conn).await.map(drop))?;
    Ok(())
}

/// How a run ended.
pub(super) struct Ending<'a> {
    pub(super) status: SlotStatus,
    pub(super) duration: Duration,
    pub(super) reason: Option<&'a str>,
    pub(super) steps: &'a str,
}

/// Writes how a run ended; `false` when it was written before.
pub(super) async fn finish(db: &mut Db<'_>, id: Id, runner: &str, ending: &Ending<'_>) -> Result<bool> {
    let millis = i32::try_from(ending.duration.as_millis()).unwrap_or(i32::MAX);
    let rows = on_db!(db, conn => {
        sqlx::query(FINISH)
            .bind(id)
            .bind(runner)
            .bind(ending.status.as_str())
            .bind(ending.status == SlotStatus::Ok)
            .bind(millis)
            .bind(ending.reason)
            .bind(ending.steps)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Whether slots that nobody fired are listed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// Everything.
    All,
    /// Only what was fired.
    Fired,
}

/// The newest rows; one that cannot be read is left out with a warning.
pub(super) async fn history(db: &mut Db<'_>, job: Option<&JobName>, listed: Listed, limit: u16) -> Result<Vec<SlotRecord>> {
    let job = job.map(JobName::as_str);
    let rows: Vec<sqlx::Result<Row>> = on_db!(db, conn => {
        let asked = sqlx::query(HISTORY).bind(job).bind(listed == Listed::Fired).bind(i64::from(limit));
        asked.fetch_all(conn).await.map(|rows| rows.iter().map(Row::from_row).collect())
    })?;
    Ok(rows.into_iter().filter_map(SlotRecord::readable).collect())
}

pub(super) async fn find(db: &mut Db<'_>, job: &JobName, slot: Timestamp) -> Result<Option<SlotRecord>> {
    let row: Option<Row> =
        on_db!(db, conn => sqlx::query_as(FIND).bind(job.as_str()).bind(Stamp(slot)).fetch_optional(conn).await)?;
    Ok(row.and_then(|row| SlotRecord::readable(Ok(row))))
}

pub(super) async fn count_running(db: &mut Db<'_>) -> Result<i64> {
    Ok(on_db!(db, conn => sqlx::query_scalar(COUNT_RUNNING).fetch_one(conn).await)?)
}

/// Removes our own settled rows of slots before this moment.
pub(super) async fn prune(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => sqlx::query(PRUNE).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected()))?)
}
