//! Failover's SQL: the name of the database, and what is known of the other side.

use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

const READ: &str = "SELECT value FROM everreach_failover WHERE name = $1";
const ADD: &str = "INSERT INTO everreach_failover (name, value, noted_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
const WRITE: &str = "INSERT INTO everreach_failover (name, value, noted_at) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, noted_at = excluded.noted_at";
const DATABASE: &str = "database";

pub(super) async fn read(db: &mut Db<'_>, name: &str) -> Result<Option<String>> {
    Ok(on_db!(db, conn => sqlx::query_scalar(READ).bind(name).fetch_optional(conn).await)?)
}

pub(super) async fn write(db: &mut Db<'_>, name: &str, value: &str, now: Timestamp) -> Result<()> {
    on_db!(db, conn => sqlx::query(WRITE).bind(name).bind(value).bind(Stamp(now)).execute(conn).await.map(drop))?;
    Ok(())
}

/// The name of the database; the first to ask gives it one.
pub(super) async fn name_database(db: &mut Db<'_>, now: Timestamp) -> Result<String> {
    let fresh = Id::new().to_string();
    on_db!(db, conn => sqlx::query(ADD).bind(DATABASE).bind(&fresh).bind(Stamp(now)).execute(conn).await.map(drop))?;
    Ok(read(db, DATABASE).await?.unwrap_or(fresh))
}

pub(super) async fn database_name(db: &mut Db<'_>) -> Result<Option<String>> {
    read(db, DATABASE).await
}
