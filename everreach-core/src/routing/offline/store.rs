//! The offline cache's SQL.

use serde_json::Value;
use sqlx::types::Json;

use crate::store::{Db, Stamp, on_db};
use crate::{ActionName, Result, Timestamp};

const PUT: &str = "INSERT INTO hybrid_cache (action, params_hash, response_json, cached_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (action, params_hash) DO UPDATE SET response_json = excluded.response_json, cached_at = excluded.cached_at";
const GET: &str = "SELECT response_json, cached_at FROM hybrid_cache WHERE action = $1 AND params_hash = $2";

pub(super) async fn put(db: &mut Db<'_>, action: &ActionName, hash: &str, result: &Value, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(PUT).bind(action.as_str()).bind(hash).bind(Json(result)).bind(Stamp(now)).execute(conn).await.map(drop)
    })?;
    Ok(())
}

pub(super) async fn get(db: &mut Db<'_>, action: &ActionName, hash: &str) -> Result<Option<(Value, Timestamp)>> {
    let row: Option<(Json<Value>, Stamp)> =
        on_db!(db, conn => sqlx::query_as(GET).bind(action.as_str()).bind(hash).fetch_optional(conn).await)?;
    Ok(row.map(|(result, cached_at)| (result.0, cached_at.0)))
}
