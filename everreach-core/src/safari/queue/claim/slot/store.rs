//! The browser's SQL, and that of a claim's lease.

use crate::safari::Service;
use crate::safari::queue::Claimed;
use crate::safari::queue::row::{Key, Moment};
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

const SLOT: &str = "SELECT fence, command_id, lease_until, rest_until, rest_service FROM everreach_safari_browser WHERE id = 1";
// SQLite's writer holds the whole database; PostgreSQL locks the row, so that what is read afterwards stays true.
#[cfg(feature = "postgres")]
const LOCK_POSTGRES: &str = "SELECT fence, command_id, lease_until, rest_until, rest_service \
     FROM everreach_safari_browser WHERE id = 1 FOR UPDATE";
const TAKE: &str = "UPDATE everreach_safari_browser SET fence = fence + 1, worker_id = $1, command_id = $2, lease_until = $3 \
     WHERE id = 1 RETURNING fence";
const RETURN: &str =
    "UPDATE everreach_safari_browser SET worker_id = NULL, command_id = NULL, lease_until = NULL WHERE id = 1 AND fence = $1";
const REST: &str = "UPDATE everreach_safari_browser SET rest_until = $1, rest_service = $2 \
     WHERE id = 1 AND (rest_until IS NULL OR rest_until < $1)";
const RENEW_SLOT: &str =
    "UPDATE everreach_safari_browser SET lease_until = $2 WHERE id = 1 AND fence = $1 AND lease_until IS NOT NULL";
const RENEW: &str = "UPDATE safari_command_queue SET everreach_lease_until = $4 \
     WHERE id = $1 AND worker_id = $2 AND everreach_attempts = $3 AND status = 'running'";
const DISPATCH: &str = "UPDATE safari_command_queue SET everreach_dispatched_at = $4, updated_at = $4 \
     WHERE id = $1 AND worker_id = $2 AND everreach_attempts = $3 AND status = 'running' AND everreach_lease_until > $4 \
     AND everreach_dispatched_at IS NULL";
const INSERT_ATTEMPT: &str = "INSERT INTO everreach_safari_attempts (command_id, number, worker_id, service, started_at, dispatched_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Who has Safari.
#[derive(Debug, Clone)]
pub(in crate::safari::queue) struct Slot {
    pub(in crate::safari::queue) fence: i64,
    pub(in crate::safari::queue) command_id: Option<Id>,
    lease_until: Option<Timestamp>,
    pub(in crate::safari::queue) rest_until: Option<Timestamp>,
    pub(in crate::safari::queue) rest_service: Option<Service>,
}

impl Slot {
    /// Until when somebody has it; nothing when it is free.
    pub(in crate::safari::queue) fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.lease_until.filter(|until| *until > now)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    fence: i64,
    command_id: Option<Id>,
    lease_until: Option<Moment>,
    rest_until: Option<Moment>,
    rest_service: Option<String>,
}

impl From<Row> for Slot {
    fn from(row: Row) -> Self {
        let at = |moment: Option<Moment>| moment.and_then(|moment| moment.0);
        let service = row.rest_service.as_deref();
        Self {
            fence: row.fence,
            command_id: row.command_id,
            lease_until: at(row.lease_until),
            rest_until: at(row.rest_until),
            rest_service: service.and_then(|name| Service::ALL.into_iter().find(|service| service.as_str() == name)),
        }
    }
}

pub(in crate::safari::queue) async fn slot(db: &mut Db<'_>) -> Result<Slot> {
    let row: Row = on_db!(db, conn => sqlx::query_as(SLOT).fetch_one(conn).await)?;
    Ok(row.into())
}

/// The slot, which nobody else can change until the transaction ends.
pub(in crate::safari::queue) async fn lock_slot(db: &mut Db<'_>) -> Result<Slot> {
    let statement = match db {
        Db::Sqlite(_) => SLOT,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => LOCK_POSTGRES,
    };
    let row: Row = on_db!(db, conn => sqlx::query_as(statement).fetch_one(conn).await)?;
    Ok(row.into())
}

/// Takes the slot, which is locked and free; returns its fencing number.
pub(in crate::safari::queue) async fn take_slot(db: &mut Db<'_>, worker: &str, key: &Key, lease_until: Timestamp) -> Result<i64> {
    Ok(on_db!(db, conn => {
        sqlx::query_scalar(TAKE).bind(worker).bind(key.id()).bind(Stamp(lease_until)).fetch_one(conn).await
    })?)
}

/// Gives the slot back, unless somebody else has it by now; lets Safari rest until a time.
pub(in crate::safari::queue) async fn return_slot(
    db: &mut Db<'_>,
    fence: i64,
    rest: Option<(Timestamp, Option<Service>)>,
) -> Result<()> {
    on_db!(db, conn => sqlx::query(RETURN).bind(fence).execute(conn).await.map(drop))?;
    if let Some((until, service)) = rest {
        let service = service.map(Service::as_str);
        on_db!(db, conn => sqlx::query(REST).bind(Stamp(until)).bind(service).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// Lengthens the lease; says whether the claim still holds.
pub(in crate::safari::queue) async fn renew(db: &mut Db<'_>, claimed: &Claimed, until: Timestamp) -> Result<bool> {
    if let Some(fence) = claimed.browser {
        let rows = on_db!(db, conn => {
            sqlx::query(RENEW_SLOT).bind(fence).bind(Stamp(until)).execute(conn).await.map(|done| done.rows_affected())
        })?;
        if rows == 0 {
            return Ok(false);
        }
    }
    let rows = on_db!(db, conn => {
        sqlx::query(RENEW)
            .bind(claimed.key.clone())
            .bind(&claimed.worker_id)
            .bind(i64::from(claimed.number))
            .bind(Stamp(until))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Sets the dispatch mark and writes the attempt's line; says whether the claim still holds.
pub(in crate::safari::queue) async fn mark_dispatched(db: &mut Db<'_>, claimed: &Claimed, now: Timestamp) -> Result<bool> {
    if let Some(fence) = claimed.browser {
        let slot = lock_slot(db).await?;
        if slot.fence != fence || slot.held_until(now).is_none() {
            return Ok(false);
        }
    }
    let rows = on_db!(db, conn => {
        sqlx::query(DISPATCH)
            .bind(claimed.key.clone())
            .bind(&claimed.worker_id)
            .bind(i64::from(claimed.number))
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    if rows == 0 {
        return Ok(false);
    }
    on_db!(db, conn => {
        sqlx::query(INSERT_ATTEMPT)
            .bind(claimed.id())
            .bind(i64::from(claimed.number))
            .bind(&claimed.worker_id)
            .bind(claimed.dispatchable.service().map(Service::as_str))
            .bind(Stamp(claimed.claimed_at))
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(true)
}
