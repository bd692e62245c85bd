//! The SQL that folds rows of other programs into the months' totals.

use crate::cost::store::{Period, pick};
use crate::store::{Db, Stamp, on_db};
use crate::{MicroUsd, Result, Timestamp};

const PENDING_SQLITE: &str = "SELECT MIN(CASE WHEN cost_micro IS NOT NULL THEN at END) AS oldest, \
        COUNT(CASE WHEN cost_micro IS NULL OR at IS NULL THEN 1 END) AS unreadable \
    FROM everreach_cost_entries WHERE month IS NULL";
const PENDING_POSTGRES: &str = "SELECT CAST(MIN(CASE WHEN is_readable THEN created_at END) AS TIMESTAMPTZ) AS oldest, COUNT(CASE WHEN NOT is_readable THEN 1 END) AS unreadable \
    FROM (SELECT created_at, COALESCE(cost_usd BETWEEN 0 AND 1000000 AND created_at >= '1970-01-01Z' AND created_at < '9999-12-31Z', FALSE) AS is_readable \
        FROM actp_cost_log WHERE everreach_month IS NULL) AS pending";

// SQLite has one writer, so that the sum and the mark see the same rows. PostgreSQL needs both in one statement.
const SUM_SQLITE: &str = "SELECT COUNT(*) AS taken, COALESCE(SUM(cost_micro), 0) AS cost_micro FROM everreach_cost_entries \
    WHERE month IS NULL AND cost_micro IS NOT NULL AND at >= $1 AND at < $2";
const MARK_SQLITE: &str = "UPDATE actp_cost_log SET everreach_month = $3 WHERE rowid IN (SELECT entry FROM everreach_cost_entries \
    WHERE month IS NULL AND cost_micro IS NOT NULL AND at >= $1 AND at < $2)";
#[cfg(feature = "postgres")]
const TAKE_POSTGRES: &str = "WITH taken AS (UPDATE actp_cost_log SET everreach_month = $3 WHERE everreach_month IS NULL \
        AND created_at >= $1 AND created_at < $2 AND cost_usd BETWEEN 0 AND 1000000 RETURNING cost_usd) \
    SELECT COUNT(*) AS taken, CAST(COALESCE(SUM(ROUND(cost_usd * 1000000)), 0) AS BIGINT) AS cost_micro FROM taken";

const SET_ASIDE_SQLITE: &str = "UPDATE actp_cost_log SET everreach_month = 'unreadable' WHERE rowid IN \
    (SELECT entry FROM everreach_cost_entries WHERE month IS NULL AND (cost_micro IS NULL OR at IS NULL))";
const SET_ASIDE_POSTGRES: &str = "UPDATE actp_cost_log SET everreach_month = 'unreadable' WHERE everreach_month IS NULL AND NOT \
    COALESCE(cost_usd BETWEEN 0 AND 1000000 AND created_at >= '1970-01-01Z' AND created_at < '9999-12-31Z', FALSE)";

/// What waits to be folded in.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Pending {
    oldest: Option<Stamp>,
    /// Rows without a readable amount or time.
    pub(super) unreadable: i64,
}

impl Pending {
    /// The oldest readable row's time.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.oldest.map(Timestamp::from)
    }
}

/// Rows that were marked as part of a month, and their sum.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Taken {
    pub(super) taken: i64,
    pub(super) cost_micro: MicroUsd,
}

pub(super) async fn pending(db: &mut Db<'_>) -> Result<Pending> {
    let statement = pick(db, PENDING_SQLITE, PENDING_POSTGRES);
    Ok(on_db!(db, conn => sqlx::query_as(statement).fetch_one(conn).await)?)
}

/// Marks a month's readable rows and adds them up.
pub(super) async fn take(db: &mut Db<'_>, period: &Period) -> Result<Taken> {
    let (start, end) = (Stamp(period.start), Stamp(period.end));
    match db {
        Db::Sqlite(connection) => {
            let taken = sqlx::query_as(SUM_SQLITE).bind(start).bind(end).fetch_one(&mut **connection).await?;
            sqlx::query(MARK_SQLITE).bind(start).bind(end).bind(&period.key).execute(&mut **connection).await?;
            Ok(taken)
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(connection) => {
            Ok(sqlx::query_as(TAKE_POSTGRES).bind(start).bind(end).bind(&period.key).fetch_one(&mut **connection).await?)
        }
    }
}

/// Marks rows that cannot be read, so that they are reported once; returns how many.
pub(super) async fn set_aside(db: &mut Db<'_>) -> Result<u64> {
    let statement = pick(db, SET_ASIDE_SQLITE, SET_ASIDE_POSTGRES);
    Ok(on_db!(db, conn => sqlx::query(statement).execute(conn).await.map(|done| done.rows_affected()))?)
}
