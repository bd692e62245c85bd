//! How rows are selected, and how many are changed at once.

use serde::Serialize;
use sqlx::SqliteConnection;

use crate::store::Stamp;
use crate::{Error, ErrorKind, Id, Result, Timestamp};

/// The columns of [`RawRow`](super::RawRow). Constants cannot be joined, literals can.
macro_rules! columns {
    () => {
        "CAST(id AS TEXT) AS id, action, platform, CAST(params AS TEXT) AS params, \
         CAST(COALESCE(priority, 5) AS BIGINT) AS priority, status, CAST(result AS TEXT) AS result, error, scheduled_for, \
         CAST(COALESCE(retry_count, 0) AS BIGINT) AS retry_count, next_retry_at, campaign_id, batch_id, worker_id, created_at, \
         updated_at, everreach_lane, CAST(everreach_attempts AS BIGINT) AS everreach_attempts, everreach_claimed_at, \
         everreach_lease_until, everreach_dispatched_at, everreach_charged, everreach_outcome"
    };
}
pub(in crate::safari::queue) use columns;

/// The same as one JSON value, in the same order; for a row that is about to be claimed, so that the attempt is the next one.
macro_rules! one_value {
    () => {
        "json_array(CAST(id AS TEXT), CAST(action AS TEXT), CAST(platform AS TEXT), CAST(params AS TEXT), \
         CAST(COALESCE(priority, 5) AS INTEGER), status, CAST(result AS TEXT), CAST(error AS TEXT), CAST(scheduled_for AS TEXT), \
         CAST(COALESCE(retry_count, 0) AS INTEGER), CAST(next_retry_at AS TEXT), CAST(campaign_id AS TEXT), CAST(batch_id AS TEXT), \
         NULL, CAST(created_at AS TEXT), NULL, everreach_lane, everreach_attempts + 1, NULL, NULL, NULL, everreach_charged, \
         everreach_outcome)"
    };
}
pub(in crate::safari::queue) use one_value;

/// A statement that changes rows, and the same with the ids of those that it has changed.
#[derive(Debug, Clone, Copy)]
pub(in crate::safari::queue) struct Changing {
    pub(in crate::safari::queue) plain: &'static str,
    pub(in crate::safari::queue) returning: &'static str,
}

impl Changing {
    /// Changes these rows on SQLite; returns which were changed. Each id that SQLite returns is a message between two threads, so they
    /// are only asked for when the number says that some are missing: then the change is taken back and made again.
    pub(in crate::safari::queue) async fn run(
        self,
        conn: &mut SqliteConnection,
        rows: &str,
        ids: Vec<Id>,
        now: Timestamp,
    ) -> Result<Vec<Id>> {
        if ids.len() > 1 {
            sqlx::query("SAVEPOINT many").execute(&mut *conn).await.map(drop)?;
            let changed = sqlx::query(self.plain).bind(rows).bind(Stamp(now)).execute(&mut *conn).await?.rows_affected();
            if usize::try_from(changed) == Ok(ids.len()) {
                sqlx::query("RELEASE many").execute(&mut *conn).await.map(drop)?;
                return Ok(ids);
            }
            sqlx::query("ROLLBACK TO many; RELEASE many").execute(&mut *conn).await.map(drop)?;
        }
        Ok(sqlx::query_scalar(self.returning).bind(rows).bind(Stamp(now)).fetch_all(&mut *conn).await?)
    }
}

/// Rows as the JSON text that statements read.
pub(in crate::safari::queue) fn as_text<T: Serialize>(rows: &[T]) -> Result<String> {
    serde_json::to_string(rows)
        .map_err(|source| Error::new(ErrorKind::Internal, "rows cannot be written as JSON").with_source(source))
}
