//! The SQL of reports; nothing here writes.

use crate::cost::ServiceCost;
use crate::cost::store::{Period, pick};
use crate::store::{Db, Stamp, on_db};
use crate::{MicroUsd, Result, Timestamp};

const MONTH_SQLITE: &str = "SELECT service, action, COUNT(*) AS calls, SUM(cost_micro) AS spent_micro, \
        COALESCE(SUM(CASE WHEN essential THEN cost_micro END), 0) AS essential_micro \
    FROM everreach_cost_entries WHERE cost_micro IS NOT NULL AND (month = $1 OR (month IS NULL AND at >= $2 AND at < $3)) \
    GROUP BY service, action ORDER BY spent_micro DESC, service, action";
const MONTH_POSTGRES: &str = "SELECT service, action, COUNT(*) AS calls, CAST(SUM(ROUND(cost_usd * 1000000)) AS BIGINT) AS spent_micro, \
        CAST(COALESCE(SUM(CASE WHEN everreach_essential THEN ROUND(cost_usd * 1000000) END), 0) AS BIGINT) AS essential_micro \
    FROM actp_cost_log WHERE cost_usd BETWEEN 0 AND 1000000 \
        AND (everreach_month = $1 OR (everreach_month IS NULL AND created_at >= $2 AND created_at < $3)) \
    GROUP BY service, action ORDER BY spent_micro DESC, service, action";

// On SQLite the raw text narrows the search to a few days by the index: its local date is at most a day off.
const DAY_SQLITE: &str = "SELECT service, action, COUNT(*) AS calls, SUM(cost_micro) AS spent_micro, \
        COALESCE(SUM(CASE WHEN essential THEN cost_micro END), 0) AS essential_micro \
    FROM everreach_cost_entries WHERE cost_micro IS NOT NULL AND at >= $1 AND at < $2 AND created_at >= $3 AND created_at < $4 \
    GROUP BY service, action ORDER BY spent_micro DESC, service, action";
const DAY_POSTGRES: &str = "SELECT service, action, COUNT(*) AS calls, CAST(SUM(ROUND(cost_usd * 1000000)) AS BIGINT) AS spent_micro, \
        CAST(COALESCE(SUM(CASE WHEN everreach_essential THEN ROUND(cost_usd * 1000000) END), 0) AS BIGINT) AS essential_micro \
    FROM actp_cost_log WHERE cost_usd BETWEEN 0 AND 1000000 AND created_at >= $1 AND created_at < $2 AND created_at >= $3 AND created_at < $4 \
    GROUP BY service, action ORDER BY spent_micro DESC, service, action";

const HELD: &str =
    "SELECT CAST(COALESCE(SUM(amount_micro), 0) AS BIGINT) FROM everreach_cost_reservations WHERE state = 'held' AND month = $1";

const MARGIN: chrono::TimeDelta = chrono::TimeDelta::days(2);

#[derive(sqlx::FromRow)]
struct SplitRow {
    service: String,
    action: String,
    calls: i64,
    spent_micro: MicroUsd,
    essential_micro: MicroUsd,
}

/// Entries added up per action, dearest first.
#[derive(Debug, Default)]
pub(in crate::cost) struct Split {
    pub(in crate::cost) by_service: Vec<ServiceCost>,
    pub(in crate::cost) spent: MicroUsd,
    pub(in crate::cost) essential: MicroUsd,
}

impl From<Vec<SplitRow>> for Split {
    fn from(rows: Vec<SplitRow>) -> Self {
        let (spent, essential) = (rows.iter().map(|row| row.spent_micro).sum(), rows.iter().map(|row| row.essential_micro).sum());
        let line = |row: SplitRow| ServiceCost::new(row.service, row.action, row.calls.unsigned_abs(), row.spent_micro);
        Self { by_service: rows.into_iter().map(line).collect(), spent, essential }
    }
}

/// The entries of a month, those not yet folded into its total included.
pub(in crate::cost) async fn month(db: &mut Db<'_>, period: &Period) -> Result<Split> {
    let statement = pick(db, MONTH_SQLITE, MONTH_POSTGRES);
    let rows: Vec<SplitRow> = on_db!(db, conn => {
        sqlx::query_as(statement).bind(&period.key).bind(Stamp(period.start)).bind(Stamp(period.end)).fetch_all(conn).await
    })?;
    Ok(rows.into())
}

/// The entries made between two moments.
pub(super) async fn between(db: &mut Db<'_>, start: Timestamp, end: Timestamp) -> Result<Split> {
    let statement = pick(db, DAY_SQLITE, DAY_POSTGRES);
    let rows: Vec<SplitRow> = on_db!(db, conn => {
        let query = sqlx::query_as(statement).bind(Stamp(start)).bind(Stamp(end));
        query.bind(Stamp(start - MARGIN)).bind(Stamp(end + MARGIN)).fetch_all(conn).await
    })?;
    Ok(rows.into())
}

/// The sum of the reservations that are open in a month.
pub(super) async fn held(db: &mut Db<'_>, month: &str) -> Result<MicroUsd> {
    Ok(on_db!(db, conn => sqlx::query_scalar(HELD).bind(month).fetch_one(conn).await)?)
}
