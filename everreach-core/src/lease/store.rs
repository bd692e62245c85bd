//! The leases' SQL. PostgreSQL compares with its own clock; SQLite is on one machine, whose clock comes in, and may be set back: a lease
//! that would end later than any can is over too.

use std::time::Duration;

use serde_json::Value;
use sqlx::types::Json;

use super::{Authority, Lease, LeaseState, Term};
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Result, Timestamp};

/// More than a write waits for its turn, so that a lease that somebody has just renewed is never taken for one of a wrong clock.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

const ACQUIRE_SQLITE: &str = "INSERT INTO everreach_leases (resource, holder, epoch, acquired_at, expires_at) \
     VALUES ($1, $2, 1, $3, $4) ON CONFLICT (resource) DO UPDATE SET holder = excluded.holder, \
     epoch = everreach_leases.epoch + 1, acquired_at = excluded.acquired_at, expires_at = excluded.expires_at \
     WHERE everreach_leases.holder IS NULL OR everreach_leases.expires_at <= $3 OR everreach_leases.expires_at > $5 \
     RETURNING epoch, note";
#[cfg(feature = "postgres")]
const ACQUIRE_POSTGRES: &str = "INSERT INTO everreach_leases (resource, holder, epoch, acquired_at, expires_at) \
     VALUES ($1, $2, 1, clock_timestamp(), clock_timestamp() + $3 * INTERVAL '1 microsecond') \
     ON CONFLICT (resource) DO UPDATE SET holder = excluded.holder, epoch = everreach_leases.epoch + 1, \
     acquired_at = clock_timestamp(), expires_at = clock_timestamp() + $3 * INTERVAL '1 microsecond' \
     WHERE everreach_leases.holder IS NULL OR everreach_leases.expires_at <= clock_timestamp() RETURNING epoch, note";
// What a holder before left has been read by then; a holder that vanishes leaves nothing.
const FORGET_NOTE: &str = "UPDATE everreach_leases SET note = NULL WHERE resource = $1 AND epoch = $2";
// Nobody else has had it since while the epoch is the same, even if its time was over.
const RENEW_SQLITE: &str = "UPDATE everreach_leases SET expires_at = $4 WHERE resource = $1 AND holder = $2 AND epoch = $3";
#[cfg(feature = "postgres")]
const RENEW_POSTGRES: &str = "UPDATE everreach_leases SET expires_at = clock_timestamp() + $4 * INTERVAL '1 microsecond' \
     WHERE resource = $1 AND holder = $2 AND epoch = $3";
const RELEASE: &str = "UPDATE everreach_leases SET holder = NULL, expires_at = $4, note = $5 \
     WHERE resource = $1 AND holder = $2 AND epoch = $3";
#[cfg(feature = "redis")]
const RELEASE_ANY: &str = "UPDATE everreach_leases SET holder = NULL, expires_at = $3 WHERE resource = $1 AND holder = $2";
const LOOK_SQLITE: &str = "SELECT holder, epoch, acquired_at, expires_at, note, \
     (holder IS NOT NULL AND expires_at > $2) AS is_held FROM everreach_leases WHERE resource = $1";
#[cfg(feature = "postgres")]
const LOOK_POSTGRES: &str = "SELECT holder, epoch, acquired_at, expires_at, note, \
     (holder IS NOT NULL AND expires_at > clock_timestamp()) AS is_held FROM everreach_leases WHERE resource = $1";
const HOLDS_SQLITE: &str = "SELECT epoch FROM everreach_leases WHERE resource = $1 AND holder = $2 AND epoch = $3";
// A takeover waits for the transaction of the write that this belongs to.
#[cfg(feature = "postgres")]
const HOLDS_POSTGRES: &str = "SELECT epoch FROM everreach_leases WHERE resource = $1 AND holder = $2 AND epoch = $3 FOR SHARE";

// Whoever stops in the middle of a transaction, or is cut off, must not keep others waiting for the row longer than its lease.
#[cfg(feature = "postgres")]
const END_IF_IDLE: &str = "SELECT set_config('idle_in_transaction_session_timeout', $1, true)";
const IDLE: Duration = Duration::from_secs(5);

async fn end_if_idle(db: &mut Db<'_>) -> Result<()> {
    end_if_idle_for(db, IDLE).await
}

#[cfg_attr(not(feature = "postgres"), allow(clippy::unused_async, reason = "SQLite is on one machine and has no such thing"))]
async fn end_if_idle_for(db: &mut Db<'_>, time: Duration) -> Result<()> {
    match db {
        Db::Sqlite(_) => {
            let _one_machine = time;
            Ok(())
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            // Zero would be no limit.
            let millis = time.as_millis().max(1).to_string();
            Ok(sqlx::query(END_IF_IDLE).bind(millis).execute(&mut **conn).await.map(drop)?)
        }
    }
}

#[cfg(feature = "postgres")]
fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(super) async fn acquire(
    db: &mut Db<'_>,
    resource: &str,
    holder: &str,
    ttl: Duration,
    now: Timestamp,
) -> Result<Option<(i64, Option<Value>)>> {
    end_if_idle(db).await?;
    let taken: Option<(i64, Option<Json<Value>>)> = match db {
        Db::Sqlite(conn) => {
            let last = now + ttl + LONGEST_WAIT;
            let asked = sqlx::query_as(ACQUIRE_SQLITE).bind(resource).bind(holder).bind(Stamp(now)).bind(Stamp(now + ttl));
            let asked = asked.bind(Stamp(last));
            asked.fetch_optional(&mut **conn).await?
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            sqlx::query_as(ACQUIRE_POSTGRES).bind(resource).bind(holder).bind(micros(ttl)).fetch_optional(&mut **conn).await?
        }
    };
    let Some((epoch, note)) = taken else { return Ok(None) };
    if note.is_some() {
        on_db!(db, conn => sqlx::query(FORGET_NOTE).bind(resource).bind(epoch).execute(conn).await.map(drop))?;
    }
    Ok(Some((epoch, note.map(|note| note.0))))
}

pub(super) async fn renew(db: &mut Db<'_>, lease: &Lease, ttl: Duration, now: Timestamp) -> Result<bool> {
    end_if_idle(db).await?;
    let (resource, holder, epoch) = (&lease.resource, &lease.holder, lease.epoch);
    let rows = match db {
        Db::Sqlite(conn) => {
            let asked = sqlx::query(RENEW_SQLITE).bind(resource).bind(holder).bind(epoch).bind(Stamp(now + ttl));
            asked.execute(&mut **conn).await?.rows_affected()
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let asked = sqlx::query(RENEW_POSTGRES).bind(resource).bind(holder).bind(epoch).bind(micros(ttl));
            asked.execute(&mut **conn).await?.rows_affected()
        }
    };
    Ok(rows == 1)
}

pub(super) async fn release(db: &mut Db<'_>, lease: &Lease, note: Option<Value>, now: Timestamp) -> Result<bool> {
    end_if_idle(db).await?;
    let rows = on_db!(db, conn => {
        sqlx::query(RELEASE)
            .bind(&lease.resource)
            .bind(&lease.holder)
            .bind(lease.epoch)
            .bind(Stamp(now))
            .bind(note.map(Json))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Gives back what the holder has of it, whatever the epoch.
#[cfg(feature = "redis")]
pub(super) async fn release_any(db: &mut Db<'_>, resource: &str, holder: &str, now: Timestamp) -> Result<()> {
    end_if_idle(db).await?;
    on_db!(db, conn => sqlx::query(RELEASE_ANY).bind(resource).bind(holder).bind(Stamp(now)).execute(conn).await.map(drop))?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    holder: Option<String>,
    epoch: i64,
    acquired_at: Stamp,
    expires_at: Stamp,
    note: Option<Json<Value>>,
    is_held: bool,
}

pub(super) async fn look(db: &mut Db<'_>, resource: &str, now: Timestamp) -> Result<Option<LeaseState>> {
    let row: Option<Row> = match db {
        Db::Sqlite(conn) => sqlx::query_as(LOOK_SQLITE).bind(resource).bind(Stamp(now)).fetch_optional(&mut **conn).await?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => sqlx::query_as(LOOK_POSTGRES).bind(resource).fetch_optional(&mut **conn).await?,
    };
    Ok(row.map(|row| LeaseState {
        holder: row.holder,
        epoch: row.epoch,
        acquired_at: row.acquired_at.into(),
        expires_at: row.expires_at.into(),
        is_held: row.is_held,
        note: row.note.map(|note| note.0),
    }))
}

/// Whether the authority holds, to be asked first in the transaction of a write that needs it: nobody takes over before that ends. On
/// PostgreSQL a transaction that asked this and then says nothing for five seconds is ended by the server.
///
/// # Errors
/// The store's.
///
/// ```
/// # use everreach_core::{SystemClock, store::{Store, StoreConfig}};
/// use everreach_core::lease::{Authority, holds};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let authority = Authority::Alone;
/// let may_write = store.write(move |mut db| Box::pin(async move { holds(&mut db, &authority).await })).await?;
/// assert!(may_write);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
pub async fn holds(db: &mut Db<'_>, authority: &Authority) -> Result<bool> {
    let lease = match authority {
        Authority::Alone => return Ok(true),
        Authority::Until(term) => {
            end_if_idle_for(db, rest(term)).await?;
            return Ok(!term.is_over());
        }
        Authority::Lease(lease) => lease,
    };
    end_if_idle(db).await?;
    let statement = match db {
        Db::Sqlite(_) => HOLDS_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => HOLDS_POSTGRES,
    };
    let epoch: Option<i64> = on_db!(db, conn => {
        sqlx::query_scalar(statement).bind(&lease.resource).bind(&lease.holder).bind(lease.epoch).fetch_optional(conn).await
    })?;
    Ok(epoch.is_some())
}

/// To be asked last in the transaction of a write, with the authority that [`holds`] was asked about first. A lease is fenced by the row
/// that `holds` locked; a right that only ends by the clock is looked at again here, and PostgreSQL takes no commit that comes later
/// than what is left of it.
///
/// # Errors
/// [`ErrorKind::Conflict`] when the right has ended: nothing of the write may be kept. The store's.
///
/// ```
/// # use everreach_core::{SystemClock, store::{Store, StoreConfig}};
/// use everreach_core::lease::{Authority, still_holds};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let authority = Authority::Alone;
/// store.write(move |mut db| Box::pin(async move { still_holds(&mut db, &authority).await })).await?;
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
pub async fn still_holds(db: &mut Db<'_>, authority: &Authority) -> Result<()> {
    let Authority::Until(term) = authority else { return Ok(()) };
    end_if_idle_for(db, rest(term)).await?;
    if term.is_over() {
        let sentence = "the right to act ended in the middle of a write: nothing of it is kept";
        return Err(Error::new(ErrorKind::Conflict, sentence).with_operation("write under a grant"));
    }
    Ok(())
}

/// How long a transaction under this right may say nothing: the answer to this statement may take a while itself.
fn rest(term: &Term) -> Duration {
    term.left().min(IDLE)
}
