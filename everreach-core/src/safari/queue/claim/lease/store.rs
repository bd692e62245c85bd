//! The SQL about many claims at once.

use std::collections::HashSet;

use serde_json::json;
use sqlx::types::Json;

use super::Lease;
use crate::events;
use crate::store::{Db, Stamp};
use crate::{Event, Id, Result, Timestamp};

/// Claims in one statement.
const CHUNK: usize = 500;
/// Commands that an event names.
const NAMED: usize = 100;

const RENEW_SQLITE: &str = "UPDATE safari_command_queue AS mine SET everreach_lease_until = $3 \
     FROM (SELECT value ->> 'id' AS id, value ->> 'number' AS number FROM jsonb_each($1)) AS held \
     WHERE mine.id = held.id AND mine.everreach_attempts = held.number AND mine.worker_id = $2 AND mine.status = 'running' RETURNING id";
#[cfg(feature = "postgres")]
const RENEW_POSTGRES: &str = "UPDATE safari_command_queue AS mine SET everreach_lease_until = $3 \
     FROM jsonb_to_recordset($1) AS held (id UUID, number BIGINT) \
     WHERE mine.id = held.id AND mine.everreach_attempts = held.number AND mine.worker_id = $2 AND mine.status = 'running' \
     RETURNING mine.id";
const GIVE_BACK_SQLITE: &str = "UPDATE safari_command_queue AS mine SET status = 'pending', everreach_lease_until = NULL, updated_at = $3 \
     FROM (SELECT value ->> 'id' AS id, value ->> 'number' AS number FROM jsonb_each($1)) AS held \
     WHERE mine.id = held.id AND mine.everreach_attempts = held.number AND mine.worker_id = $2 AND mine.status = 'running' RETURNING id";
#[cfg(feature = "postgres")]
const GIVE_BACK_POSTGRES: &str = "UPDATE safari_command_queue AS mine SET status = 'pending', everreach_lease_until = NULL, updated_at = $3 \
     FROM jsonb_to_recordset($1) AS held (id UUID, number BIGINT) \
     WHERE mine.id = held.id AND mine.everreach_attempts = held.number AND mine.worker_id = $2 AND mine.status = 'running' \
     RETURNING mine.id";

/// The two statements of one change.
struct Statements {
    sqlite: &'static str,
    #[cfg(feature = "postgres")]
    postgres: &'static str,
}

impl Statements {
    /// Runs it on these claims; returns whose still held.
    async fn run(&self, db: &mut Db<'_>, worker: &str, leases: &[Lease], at: Timestamp) -> Result<HashSet<Id>> {
        let mut changed = HashSet::with_capacity(leases.len());
        for chunk in leases.chunks(CHUNK) {
            let (rows, at) = (Json(chunk), Stamp(at));
            let ids: Vec<Id> = match db {
                Db::Sqlite(conn) => {
                    sqlx::query_scalar(self.sqlite).bind(rows).bind(worker).bind(at).fetch_all(&mut **conn).await?
                }
                #[cfg(feature = "postgres")]
                Db::Postgres(conn) => {
                    sqlx::query_scalar(self.postgres).bind(rows).bind(worker).bind(at).fetch_all(&mut **conn).await?
                }
            };
            changed.extend(ids);
        }
        Ok(changed)
    }
}

/// Lengthens these leases; returns the commands whose claims were lost.
pub(in crate::safari::queue) async fn renew_many(
    db: &mut Db<'_>,
    worker: &str,
    leases: &[Lease],
    until: Timestamp,
) -> Result<HashSet<Id>> {
    let statements = Statements {
        sqlite: RENEW_SQLITE,
        #[cfg(feature = "postgres")]
        postgres: RENEW_POSTGRES,
    };
    let renewed = statements.run(db, worker, leases, until).await?;
    Ok(leases.iter().map(|lease| lease.id).filter(|id| !renewed.contains(id)).collect())
}

/// Lets others claim what this worker has claimed and not started.
pub(in crate::safari::queue) async fn give_back(db: &mut Db<'_>, worker: &str, leases: &[Lease], now: Timestamp) -> Result<()> {
    let statements = Statements {
        sqlite: GIVE_BACK_SQLITE,
        #[cfg(feature = "postgres")]
        postgres: GIVE_BACK_POSTGRES,
    };
    let returned = statements.run(db, worker, leases, now).await?;
    let ids: Vec<_> = leases.iter().map(|lease| lease.id).filter(|id| returned.contains(id)).collect();
    if let Some(first) = ids.first() {
        let data = json!({"worker": worker, "count": ids.len(), "ids": &ids[..ids.len().min(NAMED)]});
        events::append(db, &Event::new(now, "safari.given_back", first.to_string()).with_data(data)).await?;
    }
    Ok(())
}
