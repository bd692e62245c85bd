//! The ledger's SQL.

use super::decision::StoredCall;
use super::{AttemptEnd, AttemptRecord, Begin, CallState, Claim, Fingerprint, IdempotencyKey};
use crate::store::{Db, Stamp, on_db};
use crate::{Envelope, Error, ErrorKind, Id, Result, Timestamp};

const INSERT: &str = "INSERT INTO everreach_calls (idempotency_key, action, fingerprint, state, owner, fence, repeatable, lease_until, \
     request_id, created_at, updated_at, expires_at) VALUES ($1, $2, $3, 'running', $4, 1, $5, $6, $7, $8, $8, $9) \
     ON CONFLICT (idempotency_key) DO NOTHING";
const FIND: &str = "SELECT idempotency_key, action, fingerprint, state, fence, repeatable, lease_until, dispatched_at, envelope, \
     request_id, created_at, updated_at, expires_at FROM everreach_calls WHERE idempotency_key = $1";
// The writer of SQLite holds the whole database; PostgreSQL locks the row.
#[cfg(feature = "postgres")]
const LOCK_POSTGRES: &str = "SELECT idempotency_key, action, fingerprint, state, fence, repeatable, lease_until, dispatched_at, envelope, \
     request_id, created_at, updated_at, expires_at FROM everreach_calls WHERE idempotency_key = $1 FOR UPDATE";
const LAPSED: &str = "SELECT idempotency_key, action, fingerprint, state, fence, repeatable, lease_until, dispatched_at, envelope, \
     request_id, created_at, updated_at, expires_at FROM everreach_calls WHERE state = 'running' AND lease_until <= $1 \
     ORDER BY lease_until LIMIT $2";
#[cfg(feature = "postgres")]
const LAPSED_POSTGRES: &str = "SELECT idempotency_key, action, fingerprint, state, fence, repeatable, lease_until, dispatched_at, envelope, \
     request_id, created_at, updated_at, expires_at FROM everreach_calls WHERE state = 'running' AND lease_until <= $1 \
     ORDER BY lease_until LIMIT $2 FOR UPDATE SKIP LOCKED";
const LIST: &str = "SELECT idempotency_key, action, fingerprint, state, fence, repeatable, lease_until, dispatched_at, envelope, \
     request_id, created_at, updated_at, expires_at FROM everreach_calls WHERE state = $1 ORDER BY updated_at DESC, idempotency_key LIMIT $2";
const KEYS_IN: &str =
    "SELECT idempotency_key FROM everreach_calls WHERE state = $1 AND idempotency_key > $2 ORDER BY idempotency_key LIMIT $3";
const COUNT_QUEUED: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM everreach_calls WHERE state = 'queued' LIMIT $1) AS waiting";
const CLAIM: &str = "UPDATE everreach_calls SET action = $2, fingerprint = $3, state = 'running', owner = $4, fence = $5, repeatable = $6, \
     lease_until = $7, dispatched_at = NULL, envelope = NULL, request_id = $8, created_at = $9, updated_at = $10, expires_at = $11 \
     WHERE idempotency_key = $1";
const DISPATCH: &str = "UPDATE everreach_calls SET dispatched_at = $4, updated_at = $4 \
     WHERE idempotency_key = $1 AND owner = $2 AND fence = $3 AND state = 'running' AND lease_until > $4 \
     AND (dispatched_at IS NULL OR repeatable)";
const RENEW: &str =
    "UPDATE everreach_calls SET lease_until = $4 WHERE idempotency_key = $1 AND owner = $2 AND fence = $3 AND state = 'running'";
const RECORD: &str = "UPDATE everreach_calls SET state = $2, dispatched_at = $3, envelope = $4, updated_at = $5, expires_at = $6 \
     WHERE idempotency_key = $1";
const INSERT_ATTEMPT: &str =
    "INSERT INTO everreach_attempts (id, call_key, attempt, executor, dispatched_at) VALUES ($1, $2, $3, $4, $5)";
// A try that others have called unknown may still report its own end.
const END_ATTEMPT: &str = "UPDATE everreach_attempts SET finished_at = $3, outcome = $4, error = $5, detail = $6 \
     WHERE id = $1 AND call_key = $2 AND (finished_at IS NULL OR outcome = 'unknown')";
const CLOSE_ATTEMPTS: &str = "UPDATE everreach_attempts SET finished_at = $2, outcome = 'unknown', error = 'outcome_unknown', detail = $3 \
     WHERE call_key = $1 AND finished_at IS NULL";
const ATTEMPTS: &str = "SELECT id, attempt, executor, dispatched_at, finished_at, outcome, error, detail FROM everreach_attempts \
     WHERE call_key = $1 AND dispatched_at >= $2 ORDER BY dispatched_at, id";
const PRUNE_CALLS: &str = "DELETE FROM everreach_calls WHERE expires_at <= $1 AND state NOT IN ('running', 'unknown')";
const PRUNE_ATTEMPTS: &str = "DELETE FROM everreach_attempts WHERE dispatched_at < $1 AND call_key IS NOT NULL \
     AND call_key NOT IN (SELECT idempotency_key FROM everreach_calls WHERE state IN ('running', 'unknown'))";

/// The times that a claim is written with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) now: Timestamp,
    pub(super) created_at: Timestamp,
    pub(super) lease_until: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Takes a key that nobody has; says whether that was so.
pub(super) async fn insert(db: &mut Db<'_>, begin: &Begin, owner: &str, times: Times) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(INSERT)
            .bind(begin.key.as_str())
            .bind(begin.action.as_str())
            .bind(begin.fingerprint.as_str())
            .bind(owner)
            .bind(begin.effect.is_repeatable())
            .bind(Stamp(times.lease_until))
            .bind(begin.request_id)
            .bind(Stamp(times.now))
            .bind(Stamp(times.expires_at))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes a locked row over, with the next fencing number.
pub(super) async fn claim(db: &mut Db<'_>, begin: &Begin, owner: &str, fence: i64, times: Times) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(CLAIM)
            .bind(begin.key.as_str())
            .bind(begin.action.as_str())
            .bind(begin.fingerprint.as_str())
            .bind(owner)
            .bind(fence)
            .bind(begin.effect.is_repeatable())
            .bind(Stamp(times.lease_until))
            .bind(begin.request_id)
            .bind(Stamp(times.created_at))
            .bind(Stamp(times.now))
            .bind(Stamp(times.expires_at))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(super) async fn find(db: &mut Db<'_>, key: &IdempotencyKey) -> Result<Option<StoredCall>> {
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(FIND).bind(key.as_str()).fetch_optional(conn).await)?;
    row.map(StoredCall::try_from).transpose()
}

/// The row, which nobody else can change until the transaction ends.
pub(super) async fn lock(db: &mut Db<'_>, key: &IdempotencyKey) -> Result<Option<StoredCall>> {
    let statement = match db {
        Db::Sqlite(_) => FIND,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => LOCK_POSTGRES,
    };
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(statement).bind(key.as_str()).fetch_optional(conn).await)?;
    row.map(StoredCall::try_from).transpose()
}

/// Running calls whose lease is over, locked; one that cannot be read is left out with a warning.
pub(super) async fn lock_lapsed(db: &mut Db<'_>, now: Timestamp, limit: u32) -> Result<Vec<StoredCall>> {
    let statement = match db {
        Db::Sqlite(_) => LAPSED,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => LAPSED_POSTGRES,
    };
    let rows: Vec<Row> =
        on_db!(db, conn => sqlx::query_as(statement).bind(Stamp(now)).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(readable).collect())
}

pub(super) async fn list(db: &mut Db<'_>, state: CallState, limit: u32) -> Result<Vec<StoredCall>> {
    let rows: Vec<Row> =
        on_db!(db, conn => sqlx::query_as(LIST).bind(state.as_str()).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(readable).collect())
}

pub(super) async fn keys_in(db: &mut Db<'_>, state: CallState, after: &str, limit: u32) -> Result<Vec<IdempotencyKey>> {
    let keys: Vec<String> = on_db!(db, conn => {
        sqlx::query_scalar(KEYS_IN).bind(state.as_str()).bind(after).bind(i64::from(limit)).fetch_all(conn).await
    })?;
    keys.iter().map(|key| key.parse()).collect()
}

/// How many calls are queued, counted up to this many.
pub(super) async fn count_queued(db: &mut Db<'_>, most: u32) -> Result<u32> {
    let count: i64 = on_db!(db, conn => sqlx::query_scalar(COUNT_QUEUED).bind(i64::from(most)).fetch_one(conn).await)?;
    Ok(u32::try_from(count).unwrap_or(most))
}

/// Sets the dispatch mark; says whether the claim was still good for it.
pub(super) async fn dispatch(db: &mut Db<'_>, claim: &Claim, owner: &str, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(DISPATCH)
            .bind(claim.key.as_str())
            .bind(owner)
            .bind(claim.fence)
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

pub(super) async fn renew(db: &mut Db<'_>, claim: &Claim, owner: &str, lease_until: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(RENEW)
            .bind(claim.key.as_str())
            .bind(owner)
            .bind(claim.fence)
            .bind(Stamp(lease_until))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Writes what a locked call has become.
pub(super) async fn record(db: &mut Db<'_>, call: &StoredCall, expires_at: Timestamp) -> Result<()> {
    let envelope = call.envelope.as_ref().map(serde_json::to_string).transpose().map_err(|source| {
        Error::new(ErrorKind::Internal, "the envelope cannot be written as JSON")
            .with("idempotency_key", &call.key)
            .with_source(source)
    })?;
    on_db!(db, conn => {
        sqlx::query(RECORD)
            .bind(call.key.as_str())
            .bind(call.state.as_str())
            .bind(call.dispatched_at.map(Stamp))
            .bind(envelope)
            .bind(Stamp(call.updated_at))
            .bind(Stamp(expires_at))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(super) async fn insert_attempt(
    db: &mut Db<'_>,
    id: Id,
    claim: &Claim,
    attempt: u32,
    executor: &str,
    now: Timestamp,
) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(INSERT_ATTEMPT)
            .bind(id)
            .bind(claim.key.as_str())
            .bind(i64::from(attempt))
            .bind(executor)
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Stores the end of a try; says whether it was still open.
pub(super) async fn end_attempt(db: &mut Db<'_>, key: &IdempotencyKey, end: &AttemptEnd, now: Timestamp) -> Result<bool> {
    // PostgreSQL's text holds every character but this one.
    let detail = end.detail.as_ref().map(|detail| detail.replace('\0', "\u{fffd}"));
    let rows = on_db!(db, conn => {
        sqlx::query(END_ATTEMPT)
            .bind(end.id.as_id())
            .bind(key.as_str())
            .bind(Stamp(now))
            .bind(end.outcome.as_str())
            .bind(end.error.map(ErrorKind::code))
            .bind(detail)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

pub(super) async fn close_attempts(db: &mut Db<'_>, key: &IdempotencyKey, detail: &str, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(CLOSE_ATTEMPTS).bind(key.as_str()).bind(Stamp(now)).bind(detail).execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// The tries since the key was first used, oldest first.
pub(super) async fn attempts(db: &mut Db<'_>, call: &StoredCall) -> Result<Vec<AttemptRecord>> {
    let rows: Vec<AttemptRow> =
        on_db!(db, conn => sqlx::query_as(ATTEMPTS).bind(call.key.as_str()).bind(Stamp(call.created_at)).fetch_all(conn).await)?;
    rows.into_iter().map(AttemptRecord::try_from).collect()
}

pub(super) async fn prune_calls(db: &mut Db<'_>, now: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => sqlx::query(PRUNE_CALLS).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected()))?)
}

pub(super) async fn prune_attempts(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => sqlx::query(PRUNE_ATTEMPTS).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected()))?)
}

#[derive(sqlx::FromRow)]
struct Row {
    idempotency_key: String,
    action: String,
    fingerprint: String,
    state: String,
    fence: i64,
    repeatable: bool,
    lease_until: Stamp,
    dispatched_at: Option<Stamp>,
    envelope: Option<String>,
    request_id: Id,
    created_at: Stamp,
    updated_at: Stamp,
    expires_at: Stamp,
}

impl TryFrom<Row> for StoredCall {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let envelope = row.envelope.as_deref().map(serde_json::from_str::<Envelope>).transpose();
        let envelope =
            envelope.map_err(|source| unreadable(&row.idempotency_key).with("column", "envelope").with_source(source))?;
        Ok(Self {
            key: row.idempotency_key.parse()?,
            action: row
                .action
                .parse()
                .map_err(|source: Error| unreadable(&row.idempotency_key).with("column", "action").with_source(source))?,
            fingerprint: Fingerprint::from_stored(row.fingerprint),
            state: row
                .state
                .parse()
                .map_err(|source: Error| unreadable(&row.idempotency_key).with("column", "state").with_source(source))?,
            fence: row.fence,
            repeatable: row.repeatable,
            lease_until: row.lease_until.0,
            dispatched_at: row.dispatched_at.map(Timestamp::from),
            envelope,
            request_id: row.request_id,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            expires_at: row.expires_at.0,
        })
    }
}

fn unreadable(key: &str) -> Error {
    Error::new(ErrorKind::Store, "a row of the ledger cannot be read").with("idempotency_key", key)
}

fn readable(row: Row) -> Option<StoredCall> {
    StoredCall::try_from(row).inspect_err(|error| tracing::warn!(%error, "a row of the ledger is left out")).ok()
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    id: Id,
    attempt: i64,
    executor: String,
    dispatched_at: Stamp,
    finished_at: Option<Stamp>,
    outcome: Option<String>,
    error: Option<String>,
    detail: Option<String>,
}

impl TryFrom<AttemptRow> for AttemptRecord {
    type Error = Error;

    fn try_from(row: AttemptRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            attempt: u32::try_from(row.attempt).unwrap_or(u32::MAX),
            executor: row.executor,
            dispatched_at: row.dispatched_at.0,
            finished_at: row.finished_at.map(Timestamp::from),
            outcome: row.outcome.as_deref().map(str::parse).transpose()?,
            error: row.error,
            detail: row.detail,
        })
    }
}
