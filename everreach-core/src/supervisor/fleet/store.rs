//! The supervisor's SQL: alerts into the outbox.

use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

const ALERT: &str =
    "INSERT INTO everreach_outbox (id, edge, message, created_at, next_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING";

/// Writes an alert down, once per occasion; whoever sends what is in the outbox sends it.
pub(super) async fn insert_alert(db: &mut Db<'_>, edge: &str, message: &str, at: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(ALERT).bind(Id::new()).bind(edge).bind(message).bind(Stamp(at)).execute(conn).await.map(drop)
    })?;
    Ok(())
}
