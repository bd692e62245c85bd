//! The probe's SQL.

use super::Probe;
use crate::Result;
use crate::Timestamp;
use crate::safari::queue::claim::housekeeping::new_rows;
use crate::safari::queue::claim::store::ready;
use crate::store::{Db, Stamp, on_db};

// Each by the first entry of its index: EXISTS leaves PostgreSQL free to read through the table when its statistics are old.
pub(in crate::safari::queue::claim) const PROBE: &str = concat!(
    "SELECT COALESCE((SELECT MIN(everreach_lease_until) FROM safari_command_queue WHERE status = 'running' \
     AND everreach_lease_until IS NOT NULL) <= $1, FALSE) AS lapsed, (SELECT 1 FROM safari_command_queue WHERE ",
    new_rows!(),
    " ORDER BY created_at LIMIT 1) IS NOT NULL AS new, COALESCE((SELECT MIN(everreach_due_at) FROM safari_command_queue \
     WHERE status = 'pending' AND everreach_due_at IS NOT NULL) <= $1, FALSE) AS due, EXISTS (SELECT 1 FROM everreach_safari_groups \
     WHERE approval = 'pending' AND expires_at IS NOT NULL AND expires_at <= $1) AS approvals, (SELECT 1 FROM safari_command_queue WHERE ",
    ready!(),
    " AND everreach_lane = 'free' ORDER BY priority, created_at, id LIMIT 1) IS NOT NULL AS free, \
     (SELECT MIN(everreach_lane) FROM safari_command_queue WHERE ",
    ready!(),
    " AND everreach_lane < 'free') IS NOT NULL OR (SELECT MIN(everreach_lane) FROM safari_command_queue WHERE ",
    ready!(),
    " AND everreach_lane > 'free') IS NOT NULL AS browser"
);

pub(in crate::safari::queue) async fn probe(db: &mut Db<'_>, now: Timestamp) -> Result<Probe> {
    Ok(on_db!(db, conn => sqlx::query_as(PROBE).bind(Stamp(now)).fetch_one(conn).await)?)
}
