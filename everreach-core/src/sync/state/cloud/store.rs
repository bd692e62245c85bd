//! The cloud side's SQL: receipts, and the log that pages are read from.

use super::super::store::{Kept, Row};
use super::super::{Document, PushOutcome, Seen};
use super::reception::Receipt;
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Id, Result, Timestamp};

const FIND_RECEIPT: &str =
    "SELECT id, number, outcome FROM everreach_state_receipts WHERE node = $1 AND kind = $2 AND state_key = $3";
const PUT_RECEIPT: &str = "INSERT INTO everreach_state_receipts (node, kind, state_key, id, number, outcome, batch_id, received_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (node, kind, state_key) DO UPDATE SET id = excluded.id, \
     number = excluded.number, outcome = excluded.outcome, batch_id = excluded.batch_id, received_at = excluded.received_at";
// What is made from it later has a number above what was sent.
const RAISE: &str = "UPDATE everreach_state SET number = $2 WHERE id = $1 AND number < $2";
const ANY_NEW: &str = "SELECT COUNT(*) FROM everreach_state WHERE seq IS NULL";
// One at a time gives out places: whoever reads up to one has seen all before it.
#[cfg(feature = "postgres")]
const LOCK_LOG_POSTGRES: &str = "SELECT seq FROM everreach_state_node WHERE id = 1 FOR UPDATE";
const NUMBER_NEW: &str = "UPDATE everreach_state SET seq = fresh.place + (SELECT seq FROM everreach_state_node WHERE id = 1) \
     FROM (SELECT kind, state_key, ROW_NUMBER() OVER (ORDER BY id) AS place FROM everreach_state WHERE seq IS NULL) AS fresh \
     WHERE everreach_state.kind = fresh.kind AND everreach_state.state_key = fresh.state_key AND everreach_state.seq IS NULL";
const MOVE_END: &str = "UPDATE everreach_state_node SET seq = (SELECT MAX(place) FROM \
     (SELECT MAX(seq) AS place FROM everreach_state UNION ALL SELECT seq FROM everreach_state_node) AS ends) WHERE id = 1";
const PAGE: &str = "SELECT kind, state_key, id, number, base, node, side, payload, updated_at, received_at, seq \
     FROM everreach_state WHERE seq > $1 ORDER BY seq LIMIT $2";

pub(super) async fn receipt(db: &mut Db<'_>, node: &str, document: &Document) -> Result<Option<Receipt>> {
    let row: Option<(Id, i64, String)> = on_db!(db, conn => {
        sqlx::query_as(FIND_RECEIPT)
            .bind(node)
            .bind(document.kind.as_str())
            .bind(document.key.as_str())
            .fetch_optional(conn)
            .await
    })?;
    let Some((id, number, word)) = row else { return Ok(None) };
    let outcome = PushOutcome::from_word(&word)
        .ok_or_else(|| Error::new(ErrorKind::Store, "a receipt of shared state cannot be read").with("outcome", &word))?;
    Ok(Some(Receipt { seen: Seen { id, number }, outcome }))
}

pub(super) async fn put_receipt(
    db: &mut Db<'_>,
    document: &Document,
    outcome: PushOutcome,
    batch_id: Id,
    now: Timestamp,
) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(PUT_RECEIPT)
            .bind(document.node.as_str())
            .bind(document.kind.as_str())
            .bind(document.key.as_str())
            .bind(document.id)
            .bind(document.number)
            .bind(outcome.as_str())
            .bind(batch_id)
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// The held version counts as at least this number.
pub(super) async fn raise(db: &mut Db<'_>, held: Id, number: i64) -> Result<()> {
    on_db!(db, conn => sqlx::query(RAISE).bind(held).bind(number).execute(conn).await.map(drop))?;
    Ok(())
}

pub(super) async fn has_new(db: &mut Db<'_>) -> Result<bool> {
    let count: i64 = on_db!(db, conn => sqlx::query_scalar(ANY_NEW).fetch_one(conn).await)?;
    Ok(count > 0)
}

/// Gives a place in the log to whatever has none.
pub(super) async fn number_new(db: &mut Db<'_>) -> Result<()> {
    #[cfg(feature = "postgres")]
    if let Db::Postgres(conn) = db {
        sqlx::query(LOCK_LOG_POSTGRES).execute(&mut **conn).await?;
    }
    on_db!(db, conn => sqlx::query(NUMBER_NEW).execute(conn).await.map(drop))?;
    on_db!(db, conn => sqlx::query(MOVE_END).execute(conn).await.map(drop))?;
    Ok(())
}

/// The documents after this place with their places; one that cannot be read is an error in its place.
pub(super) async fn page(db: &mut Db<'_>, after: i64, limit: u32) -> Result<Vec<(i64, Result<Kept>)>> {
    let rows: Vec<Row> = on_db!(db, conn => sqlx::query_as(PAGE).bind(after).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| (row.seq().unwrap_or(after), Kept::try_from(row))).collect())
}
