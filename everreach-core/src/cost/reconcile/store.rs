//! The SQL that finds reservations left by a crash, and asks the journal about their calls.

use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

// Whether a reservation's own try has left cannot be read off the call alone: a key whose first try never left may have been
// used again since. Such a call runs at most once, so that one reservation at most is owed: the one that was settled, else the
// newest. Rows older than the call belong to a call before it with the same key.
const LEFTOVER: &str = "SELECT r.id, r.call_key, c.state AS call_state, c.dispatched_at, c.lease_until AS call_lease_until, \
        EXISTS (SELECT 1 FROM everreach_cost_reservations o WHERE o.call_key = r.call_key AND o.id <> r.id AND NOT c.repeatable \
            AND o.created_at >= c.created_at AND (o.state = 'settled' OR (o.state = 'held' \
                AND (o.created_at > r.created_at OR (o.created_at = r.created_at AND o.id > r.id))))) AS is_superseded, \
        EXISTS (SELECT 1 FROM everreach_attempts a WHERE a.call_key = r.call_key) \
            AND NOT EXISTS (SELECT 1 FROM everreach_attempts a WHERE a.call_key = r.call_key AND a.executor = 'cloud' \
                AND COALESCE(a.outcome, 'unknown') <> 'not_executed') AS ran_elsewhere \
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
    /// Another reservation stands for the one run of the call.
    pub(super) is_superseded: bool,
    /// The call was tried, and never in the cloud but for tries that are proven un-run.
    pub(super) ran_elsewhere: bool,
}

/// The next page after this id.
pub(super) async fn leftover(db: &mut Db<'_>, now: Timestamp, after: Id, limit: i64) -> Result<Vec<Leftover>> {
    Ok(on_db!(db, conn => sqlx::query_as(LEFTOVER).bind(Stamp(now)).bind(after).bind(limit).fetch_all(conn).await)?)
}
