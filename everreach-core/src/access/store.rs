//! The keys' SQL.

use super::keys::AccessKey;
use super::ring::RingEntry;
use crate::store::{Db, Stamp, on_db};
use crate::{Error, Id, Result, Timestamp};

const INSERT: &str = "INSERT INTO everreach_keys (id, name, scopes, hash, created_at) VALUES ($1, $2, $3, $4, $5)";
const LIST: &str = "SELECT id, name, scopes, created_at, revoked_at FROM everreach_keys ORDER BY created_at, id";
const FIND: &str = "SELECT id, name, scopes, created_at, revoked_at FROM everreach_keys WHERE id = $1";
const VALID: &str = "SELECT id, name, scopes, hash FROM everreach_keys WHERE revoked_at IS NULL ORDER BY id";
const REVOKE: &str = "UPDATE everreach_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

pub(super) async fn insert(db: &mut Db<'_>, key: &AccessKey, hash: &str) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(INSERT)
            .bind(key.id)
            .bind(key.name.as_str())
            .bind(key.scopes.to_string())
            .bind(hash)
            .bind(Stamp(key.created_at))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(super) async fn list(db: &mut Db<'_>) -> Result<Vec<AccessKey>> {
    let rows: Vec<Row> = on_db!(db, conn => sqlx::query_as(LIST).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(|row| readable(AccessKey::try_from(row))).collect())
}

pub(super) async fn find(db: &mut Db<'_>, id: Id) -> Result<Option<AccessKey>> {
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(FIND).bind(id).fetch_optional(conn).await)?;
    row.map(AccessKey::try_from).transpose()
}

/// The keys that open something; one that cannot be read opens nothing.
pub(super) async fn valid(db: &mut Db<'_>) -> Result<Vec<RingEntry>> {
    let rows: Vec<HashRow> = on_db!(db, conn => sqlx::query_as(VALID).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(|row| readable(RingEntry::try_from(row))).collect())
}

/// Ends a key; says whether it was valid before.
pub(super) async fn revoke(db: &mut Db<'_>, id: Id, now: Timestamp) -> Result<bool> {
    let rows =
        on_db!(db, conn => sqlx::query(REVOKE).bind(id).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Id,
    name: String,
    scopes: String,
    created_at: Stamp,
    revoked_at: Option<Stamp>,
}

impl TryFrom<Row> for AccessKey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let scopes = row.scopes.parse().map_err(|error: Error| error.with("key", row.id))?;
        let mut key = Self::new(row.id, row.name, scopes, row.created_at.0);
        key.revoked_at = row.revoked_at.map(Timestamp::from);
        Ok(key)
    }
}

#[derive(sqlx::FromRow)]
struct HashRow {
    id: Id,
    name: String,
    scopes: String,
    hash: String,
}

impl TryFrom<HashRow> for RingEntry {
    type Error = Error;

    fn try_from(row: HashRow) -> Result<Self> {
        let scopes = row.scopes.parse().map_err(|error: Error| error.with("key", row.id))?;
        Self::new(row.id, row.name, scopes, &row.hash)
    }
}

fn readable<T>(row: Result<T>) -> Option<T> {
    row.inspect_err(|error| tracing::warn!(%error, "a stored key is left out")).ok()
}
