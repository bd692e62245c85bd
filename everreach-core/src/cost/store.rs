//! The cost guard's SQL: months, reservations and our rows of the shared log.

use sqlx::types::Json;
use sqlx::{FromRow, SqliteConnection};

use super::notice::Alerted;
use super::totals::MonthTotals;
use super::{Month, Reservation};
#[cfg(feature = "postgres")]
use crate::events;
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Event, Id, MicroUsd, Result, Timestamp};

// Every statement is a round trip to SQLite's own thread, and these two are on the path of every paid call: there they are one text
// each. `changes()` is the number of rows that the statement before has changed.

// The whole point: hold the money only if everything booked and held, rows of other programs included, leaves room for it.
const RESERVE_SQLITE: &str = "UPDATE everreach_cost_months SET reserved_micro = reserved_micro + $2 \
    WHERE month = $1 AND settled_micro + reserved_micro + essential_settled_micro + essential_reserved_micro + \
        (SELECT COALESCE(SUM(e.cost_micro), 0) FROM everreach_cost_entries e WHERE e.month IS NULL AND e.at >= $4 AND e.at < $5) <= $3; \
    INSERT INTO everreach_cost_reservations (id, month, service, action, amount_micro, essential, state, call_key, created_at, lease_until) \
    SELECT $6, $1, $7, $8, $2, 0, 'held', $9, $10, $11 WHERE changes() = 1; \
    INSERT INTO everreach_events (at, kind, subject, data) SELECT $10, 'cost.reserved', $8, $12 WHERE changes() = 1";
const CLOSE_SQLITE: &str = "UPDATE everreach_cost_reservations \
    SET state = $2, actual_micro = COALESCE($3, CASE $2 WHEN 'settled' THEN amount_micro END), closed_at = $4 \
    WHERE id = $1 AND state = 'held' RETURNING month, service, action, amount_micro, actual_micro, essential, call_key; \
    INSERT INTO everreach_events (at, kind, subject, data) \
    SELECT $4, 'cost.' || r.state, r.action, json_object('reservation', r.id, 'month', r.month, 'reserved_usd', r.amount_micro / 1000000.0, \
        'cost_usd', COALESCE(r.actual_micro, 0) / 1000000.0, 'essential', json(iif(r.essential, 'true', 'false')), 'call_key', r.call_key) \
    FROM everreach_cost_reservations r WHERE r.id = $1 AND changes() = 1; \
    UPDATE everreach_cost_months SET \
        settled_micro = settled_micro + iif(r.essential, 0, COALESCE(r.actual_micro, 0)), \
        reserved_micro = reserved_micro - iif(r.essential, 0, r.amount_micro), \
        essential_settled_micro = essential_settled_micro + iif(r.essential, COALESCE(r.actual_micro, 0), 0), \
        essential_reserved_micro = essential_reserved_micro - iif(r.essential, r.amount_micro, 0) \
    FROM everreach_cost_reservations r WHERE r.id = $1 AND everreach_cost_months.month = r.month AND changes() = 1 \
    RETURNING TRUE AS is_known, settled_micro, reserved_micro, essential_settled_micro, essential_reserved_micro, \
        soft_alerted_at IS NOT NULL AS is_soft_alerted, hard_alerted_at IS NOT NULL AS is_hard_alerted; \
    INSERT INTO actp_cost_log (id, service, action, cost_usd, env, created_at, everreach_month, everreach_essential) \
    SELECT r.id, r.service, r.action, r.actual_micro / 1000000.0, 'cloud', $4, r.month, r.essential \
    FROM everreach_cost_reservations r WHERE r.id = $1 AND r.actual_micro IS NOT NULL AND changes() = 1";
#[cfg(feature = "postgres")]
const HOLD_POSTGRES: &str = "UPDATE everreach_cost_months SET reserved_micro = reserved_micro + $2 \
    WHERE month = $1 AND settled_micro + reserved_micro + essential_settled_micro + essential_reserved_micro + \
        (SELECT COALESCE(SUM(ROUND(cost_usd * 1000000)), 0) FROM actp_cost_log WHERE everreach_month IS NULL \
            AND created_at >= $4 AND created_at < $5 AND cost_usd BETWEEN 0 AND 1000000) <= $3";
const RESERVE_ESSENTIAL: &str = "INSERT INTO everreach_cost_months (month, essential_reserved_micro) VALUES ($1, $2) \
    ON CONFLICT (month) DO UPDATE SET essential_reserved_micro = everreach_cost_months.essential_reserved_micro + excluded.essential_reserved_micro";
const ADD_MONTH: &str = "INSERT INTO everreach_cost_months (month) VALUES ($1) ON CONFLICT (month) DO NOTHING";
const ADD_RESERVATION: &str = "INSERT INTO everreach_cost_reservations \
    (id, month, service, action, amount_micro, essential, state, call_key, created_at, lease_until) \
    VALUES ($1, $2, $3, $4, $5, $6, 'held', $7, $8, $9)";

const TOTALS_SQLITE: &str = "SELECT m.month IS NOT NULL AS is_known, COALESCE(m.settled_micro, 0) + \
        (SELECT COALESCE(SUM(e.cost_micro), 0) FROM everreach_cost_entries e WHERE e.month IS NULL AND e.at >= $2 AND e.at < $3) AS settled_micro, \
        COALESCE(m.reserved_micro, 0) AS reserved_micro, COALESCE(m.essential_settled_micro, 0) AS essential_settled_micro, \
        COALESCE(m.essential_reserved_micro, 0) AS essential_reserved_micro, \
        m.soft_alerted_at IS NOT NULL AS is_soft_alerted, m.hard_alerted_at IS NOT NULL AS is_hard_alerted \
    FROM (SELECT 1 AS one) AS always LEFT JOIN everreach_cost_months m ON m.month = $1";
const TOTALS_POSTGRES: &str = "SELECT m.month IS NOT NULL AS is_known, CAST(COALESCE(m.settled_micro, 0) + \
        (SELECT COALESCE(SUM(ROUND(cost_usd * 1000000)), 0) FROM actp_cost_log WHERE everreach_month IS NULL \
            AND created_at >= $2 AND created_at < $3 AND cost_usd BETWEEN 0 AND 1000000) AS BIGINT) AS settled_micro, \
        COALESCE(m.reserved_micro, 0) AS reserved_micro, COALESCE(m.essential_settled_micro, 0) AS essential_settled_micro, \
        COALESCE(m.essential_reserved_micro, 0) AS essential_reserved_micro, \
        m.soft_alerted_at IS NOT NULL AS is_soft_alerted, m.hard_alerted_at IS NOT NULL AS is_hard_alerted \
    FROM (SELECT 1 AS one) AS always LEFT JOIN everreach_cost_months m ON m.month = $1";

#[cfg(feature = "postgres")]
const CLOSE: &str = "UPDATE everreach_cost_reservations SET state = $2, actual_micro = COALESCE($3, CASE $2 WHEN 'settled' THEN amount_micro END), \
        closed_at = $4 \
    WHERE id = $1 AND state = 'held' RETURNING month, service, action, amount_micro, actual_micro, essential, call_key";
const STATE: &str = "SELECT state FROM everreach_cost_reservations WHERE id = $1";
const BOOK: &str = "UPDATE everreach_cost_months SET settled_micro = settled_micro + $2, reserved_micro = reserved_micro - $3, \
        essential_settled_micro = essential_settled_micro + $4, essential_reserved_micro = essential_reserved_micro - $5 \
    WHERE month = $1 RETURNING TRUE AS is_known, settled_micro, reserved_micro, essential_settled_micro, essential_reserved_micro, \
        soft_alerted_at IS NOT NULL AS is_soft_alerted, hard_alerted_at IS NOT NULL AS is_hard_alerted";
#[cfg(feature = "postgres")]
const LOG: &str = "INSERT INTO actp_cost_log (id, service, action, cost_usd, env, created_at, everreach_month, everreach_essential) \
    VALUES ($1, $2, $3, CAST($4 AS BIGINT) / 1000000.0, 'cloud', $5, $6, $7)";
const ALERT_SOFT: &str = "UPDATE everreach_cost_months SET soft_alerted_at = $2 WHERE month = $1 AND soft_alerted_at IS NULL";
const ALERT_HARD: &str = "UPDATE everreach_cost_months SET hard_alerted_at = $2 WHERE month = $1 AND hard_alerted_at IS NULL";
const FORGET: &str = "DELETE FROM everreach_cost_reservations WHERE state <> 'held' AND closed_at < $1";

/// A statement where the dialects differ.
#[cfg_attr(not(feature = "postgres"), allow(unused_variables, reason = "used with the feature only"))]
pub(super) fn pick(db: &Db<'_>, sqlite: &'static str, postgres: &'static str) -> &'static str {
    match db {
        Db::Sqlite(_) => sqlite,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => postgres,
    }
}

/// A month with its boundaries, as statements want it.
#[derive(Debug, Clone)]
pub(super) struct Period {
    pub(super) month: Month,
    pub(super) key: String,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

#[derive(sqlx::FromRow)]
struct TotalsRow {
    is_known: bool,
    settled_micro: MicroUsd,
    reserved_micro: MicroUsd,
    essential_settled_micro: MicroUsd,
    essential_reserved_micro: MicroUsd,
    is_soft_alerted: bool,
    is_hard_alerted: bool,
}

/// A month's totals, and what is known about the month besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct MonthState {
    /// Whether the month has a row.
    pub(super) is_known: bool,
    pub(super) totals: MonthTotals,
    pub(super) alerted: Alerted,
}

impl From<TotalsRow> for MonthState {
    fn from(row: TotalsRow) -> Self {
        Self {
            is_known: row.is_known,
            totals: MonthTotals {
                settled: row.settled_micro,
                reserved: row.reserved_micro,
                essential_settled: row.essential_settled_micro,
                essential_reserved: row.essential_reserved_micro,
            },
            alerted: Alerted { soft: row.is_soft_alerted, hard: row.is_hard_alerted },
        }
    }
}

/// A reservation that was closed by this very statement.
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "SQLite reads these columns where they are"))]
#[derive(Debug, sqlx::FromRow)]
pub(super) struct ClosedRow {
    pub(super) month: String,
    pub(super) service: String,
    pub(super) action: String,
    pub(super) amount_micro: MicroUsd,
    pub(super) actual_micro: Option<MicroUsd>,
    pub(super) essential: bool,
    pub(super) call_key: Option<String>,
}

/// A capped reservation that is to be made.
#[derive(Debug)]
pub(super) struct Holding<'a> {
    pub(super) period: &'a Period,
    pub(super) reservation: &'a Reservation,
    pub(super) call_key: Option<&'a str>,
    /// The most that may be booked and held besides.
    pub(super) room_limit: MicroUsd,
    pub(super) lease_until: Timestamp,
    /// What tells of it.
    pub(super) event: &'a Event,
}

/// Holds the money, with its reservation and event, if everything else leaves at least its room; says whether it did.
pub(super) async fn hold(db: &mut Db<'_>, holding: &Holding<'_>) -> Result<bool> {
    let Holding { period, reservation, event, .. } = holding;
    match db {
        Db::Sqlite(conn) => {
            let query = sqlx::query(RESERVE_SQLITE).bind(&period.key).bind(reservation.amount).bind(holding.room_limit);
            let query = query.bind(Stamp(period.start)).bind(Stamp(period.end)).bind(reservation.id);
            let query = query.bind(reservation.action.service()).bind(reservation.action.as_str()).bind(holding.call_key);
            let query = query.bind(Stamp(event.at)).bind(Stamp(holding.lease_until)).bind(Json(&event.data));
            Ok(query.execute(&mut **conn).await?.rows_affected() > 0)
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let query = sqlx::query(HOLD_POSTGRES).bind(&period.key).bind(reservation.amount).bind(holding.room_limit);
            let query = query.bind(Stamp(period.start)).bind(Stamp(period.end));
            if query.execute(&mut **conn).await?.rows_affected() == 0 {
                return Ok(false);
            }
            add_reservation(db, reservation, holding.call_key, event.at, holding.lease_until).await?;
            events::append(db, event).await?;
            Ok(true)
        }
    }
}

pub(super) async fn hold_essential(db: &mut Db<'_>, month: &str, amount: MicroUsd) -> Result<()> {
    on_db!(db, conn => sqlx::query(RESERVE_ESSENTIAL).bind(month).bind(amount).execute(conn).await.map(drop))?;
    Ok(())
}

pub(super) async fn add_month(db: &mut Db<'_>, month: &str) -> Result<()> {
    on_db!(db, conn => sqlx::query(ADD_MONTH).bind(month).execute(conn).await.map(drop))?;
    Ok(())
}

pub(super) async fn add_reservation(
    db: &mut Db<'_>,
    reservation: &Reservation,
    call_key: Option<&str>,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(ADD_RESERVATION)
            .bind(reservation.id)
            .bind(&reservation.month)
            .bind(reservation.action.service())
            .bind(reservation.action.as_str())
            .bind(reservation.amount)
            .bind(reservation.is_essential)
            .bind(call_key)
            .bind(Stamp(now))
            .bind(Stamp(lease_until))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(super) async fn month_state(db: &mut Db<'_>, period: &Period) -> Result<MonthState> {
    let statement = pick(db, TOTALS_SQLITE, TOTALS_POSTGRES);
    let row: TotalsRow = on_db!(db, conn => {
        sqlx::query_as(statement).bind(&period.key).bind(Stamp(period.start)).bind(Stamp(period.end)).fetch_one(conn).await
    })?;
    Ok(row.into())
}

/// Closes a reservation that is still held, with its event, its month and its row of the shared log; `None` when it is not held.
pub(super) async fn close_at_once(
    conn: &mut SqliteConnection,
    id: Id,
    state: &'static str,
    actual: Option<MicroUsd>,
    now: Timestamp,
) -> Result<Option<(ClosedRow, MonthState)>> {
    let query = sqlx::query(CLOSE_SQLITE).bind(id).bind(state).bind(actual).bind(Stamp(now));
    let rows = query.fetch_all(conn).await?;
    match rows.as_slice() {
        [] => Ok(None),
        [closed, month] => Ok(Some((ClosedRow::from_row(closed)?, TotalsRow::from_row(month)?.into()))),
        _ => Err(Error::new(ErrorKind::Store, "a reservation's month has no row").with("reservation", id)),
    }
}

/// Closes a reservation that is still held; `None` when it is not.
#[cfg(feature = "postgres")]
pub(super) async fn close(
    db: &mut Db<'_>,
    id: Id,
    state: &'static str,
    actual: Option<MicroUsd>,
    now: Timestamp,
) -> Result<Option<ClosedRow>> {
    Ok(on_db!(db, conn => {
        sqlx::query_as(CLOSE).bind(id).bind(state).bind(actual).bind(Stamp(now)).fetch_optional(conn).await
    })?)
}

/// How a reservation stands; `None` when there is none.
pub(super) async fn reservation_state(db: &mut Db<'_>, id: Id) -> Result<Option<String>> {
    Ok(on_db!(db, conn => sqlx::query_scalar(STATE).bind(id).fetch_optional(conn).await)?)
}

/// Adds what was settled to a month and takes off what was held.
pub(super) async fn book(db: &mut Db<'_>, month: &str, moved: &MonthTotals) -> Result<MonthState> {
    let row: TotalsRow = on_db!(db, conn => {
        sqlx::query_as(BOOK)
            .bind(month)
            .bind(moved.settled)
            .bind(moved.reserved)
            .bind(moved.essential_settled)
            .bind(moved.essential_reserved)
            .fetch_one(conn)
            .await
    })?;
    Ok(row.into())
}

#[cfg(feature = "postgres")]
/// Writes our row of the shared log; its id is the reservation's, so that it cannot be written twice.
pub(super) async fn log(db: &mut Db<'_>, id: Id, closed: &ClosedRow, cost: MicroUsd, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(LOG)
            .bind(id)
            .bind(&closed.service)
            .bind(&closed.action)
            .bind(cost)
            .bind(Stamp(now))
            .bind(&closed.month)
            .bind(closed.essential)
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Marks the soft cap's alert as sent; says whether nobody had.
pub(super) async fn mark_soft_alert(db: &mut Db<'_>, month: &str, now: Timestamp) -> Result<bool> {
    mark(db, ALERT_SOFT, month, now).await
}

/// Marks the cap's alert as sent; says whether nobody had.
pub(super) async fn mark_hard_alert(db: &mut Db<'_>, month: &str, now: Timestamp) -> Result<bool> {
    mark(db, ALERT_HARD, month, now).await
}

async fn mark(db: &mut Db<'_>, statement: &'static str, month: &str, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => sqlx::query(statement).bind(month).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Removes reservations closed before this; returns how many.
pub(super) async fn forget_closed(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => sqlx::query(FORGET).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected()))?)
}
