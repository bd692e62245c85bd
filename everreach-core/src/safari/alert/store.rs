//! The outbox's SQL.

use super::Alert;
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

const INSERT: &str =
    "INSERT INTO everreach_outbox (id, edge, message, created_at, next_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING";
const TAKE_SQLITE: &str = "UPDATE everreach_outbox SET next_at = $2 WHERE id IN (SELECT id FROM everreach_outbox \
     WHERE sent_at IS NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $3) RETURNING id, edge, message, CAST(tries AS BIGINT)";
#[cfg(feature = "postgres")]
const TAKE_POSTGRES: &str = "UPDATE everreach_outbox SET next_at = $2 WHERE id = ANY (ARRAY(SELECT id FROM everreach_outbox \
     WHERE sent_at IS NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)) \
     RETURNING id, edge, message, CAST(tries AS BIGINT)";
const SENT: &str = "UPDATE everreach_outbox SET sent_at = $2, tries = tries + 1, error = NULL WHERE id = $1";
const AGAIN: &str = "UPDATE everreach_outbox SET next_at = $2, tries = tries + 1, error = $3 WHERE id = $1 AND sent_at IS NULL";

/// One that is to be sent.
#[derive(Debug)]
pub(super) struct Waiting {
    id: Id,
    pub(super) edge: String,
    pub(super) message: String,
    pub(super) tries: u32,
}

/// Writes it down; says whether its occasion is new.
pub(in crate::safari) async fn insert(db: &mut Db<'_>, alert: &Alert, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(INSERT)
            .bind(Id::new())
            .bind(alert.edge(now))
            .bind(alert.message(now))
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Takes what is due, oldest first, and keeps others from it until then.
pub(super) async fn take_due(db: &mut Db<'_>, limit: u32, now: Timestamp, until: Timestamp) -> Result<Vec<Waiting>> {
    let statement = match db {
        Db::Sqlite(_) => TAKE_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => TAKE_POSTGRES,
    };
    let rows: Vec<(Id, String, String, i64)> = on_db!(db, conn => {
        sqlx::query_as(statement).bind(Stamp(now)).bind(Stamp(until)).bind(i64::from(limit)).fetch_all(conn).await
    })?;
    let waiting = |(id, edge, message, tries)| Waiting { id, edge, message, tries: u32::try_from(tries).unwrap_or(u32::MAX) };
    let mut due: Vec<_> = rows.into_iter().map(waiting).collect();
    due.sort_unstable_by_key(|waiting| waiting.id);
    Ok(due)
}

/// Records that it was sent, or when it is tried again.
pub(super) async fn settle(
    db: &mut Db<'_>,
    waiting: &Waiting,
    next_at: Option<Timestamp>,
    error: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    on_db!(db, conn => match next_at {
        None => sqlx::query(SENT).bind(waiting.id).bind(Stamp(now)).execute(conn).await.map(drop),
        Some(at) => sqlx::query(AGAIN).bind(waiting.id).bind(Stamp(at)).bind(error).execute(conn).await.map(drop),
    })?;
    Ok(())
}
