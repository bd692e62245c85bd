//! The relay's SQL.

use serde_json::Value;
use sqlx::types::Json;

use super::task::{Task, TaskStatus};
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Id, Result, Timestamp};

/// The columns of [`Row`]. Constants cannot be joined, literals can.
macro_rules! columns {
    () => {
        "CAST(id AS TEXT) AS id, status, CAST(input_data AS TEXT) AS input_data, CAST(output_data AS TEXT) AS output_data, claimed_by, \
         error, everreach_key"
    };
}
/// What may be claimed on SQLite: `$1` is now, `$2` the types, `$3` the ids to pass over, as texts. A row that a worker of ours left without a
/// sign of life is free again; those of other programs are for the engine to free.
macro_rules! free_sqlite {
    () => {
        "task_type IN (SELECT value FROM json_each($2)) AND CAST(id AS TEXT) NOT IN (SELECT value FROM json_each($3)) AND (status = 'pending' OR \
         (status IN ('claimed', 'running') AND claimed_by LIKE 'everreach-%' \
         AND (julianday($1) - julianday(claimed_at)) * 1440 >= COALESCE(timeout_minutes, 30)))"
    };
}
/// The same on PostgreSQL.
#[cfg(feature = "postgres")]
macro_rules! free_postgres {
    () => {
        "task_type = ANY($2) AND NOT (id = ANY($3)) AND (status = 'pending' OR (status IN ('claimed', 'running') \
         AND claimed_by LIKE 'everreach-%' \
         AND claimed_at + make_interval(mins => CAST(COALESCE(timeout_minutes, 30) AS INTEGER)) <= $1))"
    };
}

const INSERT: &str = "INSERT INTO actp_workflow_tasks (id, task_type, status, input_data, timeout_minutes, created_at, everreach_key) \
     VALUES ($1, $2, 'pending', $3, $4, $5, $6) ON CONFLICT (everreach_key) WHERE everreach_key IS NOT NULL DO NOTHING";
const BY_KEY: &str = concat!("SELECT ", columns!(), " FROM actp_workflow_tasks WHERE everreach_key = $1");
const REARM: &str = "UPDATE actp_workflow_tasks SET status = 'pending', input_data = $2, output_data = NULL, claimed_by = NULL, \
     claimed_at = NULL, completed_at = NULL, error = NULL WHERE id = $1 AND status IN ('failed', 'timed_out')";
const PROBE_SQLITE: &str = concat!(
    "SELECT CAST(id AS TEXT) FROM actp_workflow_tasks WHERE ",
    free_sqlite!(),
    " ORDER BY created_at, actp_workflow_tasks.id LIMIT 1"
);
const CLAIM_SQLITE: &str = concat!(
    "UPDATE actp_workflow_tasks SET status = 'claimed', claimed_by = $4, claimed_at = $1 WHERE id = (SELECT id FROM actp_workflow_tasks \
     WHERE ",
    free_sqlite!(),
    " ORDER BY created_at, id LIMIT 1) RETURNING ",
    columns!()
);
#[cfg(feature = "postgres")]
const PROBE_POSTGRES: &str = concat!(
    "SELECT CAST(id AS TEXT) FROM actp_workflow_tasks WHERE ",
    free_postgres!(),
    " ORDER BY created_at, actp_workflow_tasks.id LIMIT 1"
);
#[cfg(feature = "postgres")]
const CLAIM_POSTGRES: &str = concat!(
    "UPDATE actp_workflow_tasks SET status = 'claimed', claimed_by = $4, claimed_at = $1 WHERE id = (SELECT id FROM actp_workflow_tasks \
     WHERE ",
    free_postgres!(),
    " ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING ",
    columns!()
);
const RENEW: &str = "UPDATE actp_workflow_tasks SET status = 'running', claimed_at = $3 \
     WHERE id = $1 AND claimed_by = $2 AND status IN ('claimed', 'running')";
const RELEASE: &str = "UPDATE actp_workflow_tasks SET status = 'pending', claimed_by = NULL, claimed_at = NULL \
     WHERE id = $1 AND claimed_by = $2 AND status IN ('claimed', 'running')";
const FINISH: &str = "UPDATE actp_workflow_tasks SET status = $3, output_data = $4, error = $5, completed_at = $6 \
     WHERE id = $1 AND claimed_by = $2 AND status IN ('claimed', 'running')";
const CONFIRM: &str = "UPDATE actp_workflow_tasks SET status = $2, output_data = $3, error = $4, completed_at = $5 \
     WHERE id = $1 AND status <> 'succeeded'";
const LAPSE: &str = "UPDATE actp_workflow_tasks SET status = $2, output_data = $3, error = $4, completed_at = $5 \
     WHERE id = $1 AND status = 'pending'";
// Rows that another program ended may lack a time of their end.
const PRUNE: &str = "DELETE FROM actp_workflow_tasks WHERE everreach_key IS NOT NULL AND status IN ('succeeded', 'failed', 'timed_out') \
     AND COALESCE(completed_at, claimed_at, created_at) < $1";

/// A row to be written.
#[derive(Debug)]
pub(super) struct NewTask {
    pub(super) id: Id,
    pub(super) task_type: String,
    pub(super) input: Value,
    pub(super) timeout_minutes: u32,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) now: Timestamp,
    pub(super) types: Vec<String>,
    /// The ids of rows that are passed over: they rest after a try that came too early, or cannot be read.
    pub(super) resting: Vec<String>,
}

/// Writes a row, unless there is one with its key.
pub(super) async fn insert(db: &mut Db<'_>, task: &NewTask, key: &str, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(INSERT)
            .bind(task.id)
            .bind(&task.task_type)
            .bind(Json(&task.input))
            .bind(i32::try_from(task.timeout_minutes).unwrap_or(i32::MAX))
            .bind(Stamp(now))
            .bind(key)
            .execute(conn)
            .await
            .map(drop)
            .map_err(refused)
    })
}

/// Columns that our rows leave empty must take that: they belong to no execution of a workflow.
fn refused(error: sqlx::Error) -> Error {
    let is_empty_column =
        matches!(&error, sqlx::Error::Database(said) if said.kind() == sqlx::error::ErrorKind::NotNullViolation);
    if !is_empty_column {
        return Error::from(error);
    }
    let message =
        "actp_workflow_tasks does not take a row without an execution: let its columns execution_id and step_id be NULL";
    Error::new(ErrorKind::Store, message).with_operation("queue a call").with("cause", &error).with_source(error)
}

pub(super) async fn by_key(db: &mut Db<'_>, key: &str) -> Result<Option<Task>> {
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(BY_KEY).bind(key).fetch_optional(conn).await)?;
    row.map(Task::try_from).transpose()
}

/// Lets a failed row be pulled again.
pub(super) async fn rearm(db: &mut Db<'_>, id: Id, input: &Value) -> Result<()> {
    Ok(on_db!(db, conn => sqlx::query(REARM).bind(id).bind(Json(input)).execute(conn).await.map(drop))?)
}

/// The id of the oldest row that is free. Rows of other programs may have ids of any kind.
pub(super) async fn probe(db: &mut Db<'_>, wanted: &Wanted) -> Result<Option<String>> {
    let id = match db {
        Db::Sqlite(conn) => {
            let (types, resting) = (Json(&wanted.types), Json(&wanted.resting));
            let asked = sqlx::query_scalar(PROBE_SQLITE).bind(Stamp(wanted.now)).bind(types).bind(resting);
            asked.fetch_optional(&mut **conn).await?
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            sqlx::query_scalar(PROBE_POSTGRES)
                .bind(Stamp(wanted.now))
                .bind(&wanted.types)
                .bind(uuids(&wanted.resting))
                .fetch_optional(&mut **conn)
                .await?
        }
    };
    Ok(id)
}

/// Claims the oldest row that is free.
pub(super) async fn claim(db: &mut Db<'_>, wanted: &Wanted, holder: &str) -> Result<Option<Task>> {
    let row: Option<Row> = match db {
        Db::Sqlite(conn) => {
            let (types, resting) = (Json(&wanted.types), Json(&wanted.resting));
            let claim = sqlx::query_as(CLAIM_SQLITE).bind(Stamp(wanted.now)).bind(types).bind(resting).bind(holder);
            claim.fetch_optional(&mut **conn).await?
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            sqlx::query_as(CLAIM_POSTGRES)
                .bind(Stamp(wanted.now))
                .bind(&wanted.types)
                .bind(uuids(&wanted.resting))
                .bind(holder)
                .fetch_optional(&mut **conn)
                .await?
        }
    };
    row.map(Task::try_from).transpose()
}

/// PostgreSQL's ids are UUIDs all of them.
#[cfg(feature = "postgres")]
fn uuids(ids: &[String]) -> Vec<uuid::Uuid> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

/// Marks a claimed row as running, or gives a sign of life for it; says whether the claim still holds.
pub(super) async fn renew(db: &mut Db<'_>, id: Id, holder: &str, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(RENEW).bind(id).bind(holder).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Gives a row back; says whether the claim still held.
pub(super) async fn release(db: &mut Db<'_>, id: Id, holder: &str) -> Result<bool> {
    let rows =
        on_db!(db, conn => sqlx::query(RELEASE).bind(id).bind(holder).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Writes the end of a row; says whether the claim still held.
pub(super) async fn finish(db: &mut Db<'_>, id: Id, holder: &str, end: Ending<'_>, now: Timestamp) -> Result<bool> {
    let (status, output, error) = end;
    let rows = on_db!(db, conn => {
        sqlx::query(FINISH)
            .bind(id)
            .bind(holder)
            .bind(status.as_str())
            .bind(Json(output))
            .bind(error)
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// How a row ends: its status, its output and its error.
type Ending<'a> = (TaskStatus, &'a Value, Option<&'a str>);

/// Writes the end of a row by a person's word. What was done stays done.
pub(super) async fn confirm(db: &mut Db<'_>, id: Id, end: Ending<'_>, now: Timestamp) -> Result<()> {
    end_as(db, CONFIRM, id, end, now).await
}

/// Writes the end of a row that nobody took in time.
pub(super) async fn lapse(db: &mut Db<'_>, id: Id, end: Ending<'_>, now: Timestamp) -> Result<()> {
    end_as(db, LAPSE, id, end, now).await
}

/// Removes rows of ours that ended before this time.
pub(super) async fn prune(db: &mut Db<'_>, oldest: Timestamp) -> Result<()> {
    Ok(on_db!(db, conn => sqlx::query(PRUNE).bind(Stamp(oldest)).execute(conn).await.map(drop))?)
}

async fn end_as(db: &mut Db<'_>, statement: &'static str, id: Id, end: Ending<'_>, now: Timestamp) -> Result<()> {
    let (status, output, error) = end;
    Ok(on_db!(db, conn => {
        let asked = sqlx::query(statement).bind(id).bind(status.as_str()).bind(Json(output)).bind(error).bind(Stamp(now));
        asked.execute(conn).await.map(drop)
    })?)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    status: String,
    input_data: Option<String>,
    output_data: Option<String>,
    claimed_by: Option<String>,
    error: Option<String>,
    everreach_key: Option<String>,
}

/// JSON where it is JSON, the text itself where it is not; an object that was written as a text is read as the object.
fn json(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(Value::String(inner)) => serde_json::from_str(&inner).unwrap_or(Value::String(inner)),
        Ok(value) => value,
        Err(_) => Value::String(text),
    }
}

impl TryFrom<Row> for Task {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id.parse()?,
            status: row.status.parse()?,
            input: row.input_data.map(json).unwrap_or_default(),
            output: row.output_data.map(json),
            claimed_by: row.claimed_by,
            error: row.error,
            key: row.everreach_key,
        })
    }
}
