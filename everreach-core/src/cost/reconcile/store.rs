//! The SQL that finds reservations left by a crash, and asks the journal about their calls.

use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

const LEFTOVER: &str = "SELECT r.id, r.call_key, c.state AS call_state, c.dispatched_at, c.lease_until AS call_lease_until \
    FROM everreach_cost_reservations r LEFT JOIN everreach_calls c ON c.idempotency_key = r.call_key \
    WHERE r.state = 'held' AND r.lease_until <= $1 AND r.id > $2 ORDER BY r.id LIMIT $3";

/// A held reservation whose lease lapsed, with what the journal knows of its call.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Leftover {
    pub(super) id: Id,
    pub(super) call_key: Option<String>,
    pub(super) call_state: Option<String>,
    pub(super) dispatched_at: Option<Stamp>,
    pub(super) call_lease_until: Option<Stamp>,
}

/// The next page after this id.
pub(super) async fn leftover(db: &mut Db<'_>, now: Timestamp, after: Id, limit: i64) -> Result<Vec<Leftover>> {
    Ok(on_db!(db, conn => sqlx::query_as(LEFTOVER).bind(Stamp(now)).bind(after).bind(limit).fetch_all(conn).await)?)
}
