//! History's SQL.

use sqlx::types::Json;

use super::entry::{AttemptRecord, Cursor, HistoryFilter};
use crate::safari::Platform;
use crate::safari::queue::row::{Key, Moment, QueueRow, RawRow, columns, readable};
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

// A filter that is not set is an empty text: it lets everything through.
macro_rules! list {
    ($of:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM safari_command_queue WHERE ($1 = '' OR lower(platform) = $1) AND ($2 = '' OR action = $2) AND ($3 = '' OR status = $3) AND ",
            $of,
            " AND (created_at < $5 OR (created_at = $5 AND id < $6)) ORDER BY created_at DESC, id DESC LIMIT $7"
        )
    };
}
const LIST: &str = list!("$4 = ''");
// By the index of the campaigns, and not through everything that was ever queued.
const LIST_CAMPAIGN: &str = list!("campaign_id = $4");
const FIND: &str = concat!("SELECT ", columns!(), " FROM safari_command_queue WHERE id IN ($1, $2)");
const ENDED_SQLITE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE id IN (SELECT value FROM json_each($1)) AND status IN ('completed', 'failed', 'cancelled')"
);
#[cfg(feature = "postgres")]
const ENDED_POSTGRES: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM safari_command_queue WHERE id IN (SELECT CAST(wanted AS UUID) FROM jsonb_array_elements_text($1) AS wanted) \
     AND status IN ('completed', 'failed', 'cancelled')"
);
const ATTEMPTS: &str = "SELECT number, worker_id, service, started_at, dispatched_at, finished_at, verdict, reason, detail, answer \
     FROM everreach_safari_attempts WHERE command_id = $1 ORDER BY number";
const DEPTH: &str = "SELECT lower(platform), status, COALESCE(everreach_outcome, '') = 'unknown', COUNT(*) FROM safari_command_queue \
     WHERE action IN ('send_dm', 'comment', 'market_research', 'navigate', 'sync', 'sync_linkedin', 'score', 'generate', 'pipeline') \
     AND COALESCE(lower(platform), '') NOT IN ('linkedin_chrome', 'upwork') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
// What the bridge of the same table writes on every row whose action it does not know.
const REJECTED: &str = "SELECT COUNT(*) FROM safari_command_queue WHERE status = 'failed' AND everreach_outcome IS NULL \
     AND error LIKE 'Rejected: unknown command%' AND action IN ('send_dm', 'comment', 'market_research', 'navigate', 'sync', \
     'sync_linkedin', 'score', 'generate', 'pipeline')";
const OLDEST: &str = "SELECT MIN(COALESCE(scheduled_for, created_at)) FROM safari_command_queue WHERE status = 'pending' \
     AND everreach_lane IS NOT NULL AND everreach_due_at IS NULL AND (scheduled_for IS NULL OR scheduled_for <= $1)";
const IDS_OF: &str = "SELECT CAST(id AS TEXT) FROM safari_command_queue WHERE campaign_id = $1 AND status = 'pending'";
const PRUNE_ATTEMPTS: &str = "DELETE FROM everreach_safari_attempts WHERE started_at < $1";

/// So many rows at most, and whether there are more of them.
pub(super) async fn list(
    db: &mut Db<'_>,
    filter: &HistoryFilter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<QueueRow>, bool)> {
    let end = Timestamp::from_timestamp(253_402_300_799, 0).unwrap_or(Timestamp::MAX_UTC);
    let (before, id) = after.map_or((end, Id::new()), |after| (after.created_at, after.id));
    let is_of_campaign = filter.campaign.as_deref().is_some_and(|campaign| !campaign.is_empty());
    let statement = if is_of_campaign { LIST_CAMPAIGN } else { LIST };
    let mut rows: Vec<RawRow> = on_db!(db, conn => {
        sqlx::query_as(statement)
            .bind(filter.platform.map_or("", Platform::as_str))
            .bind(filter.action.as_deref().unwrap_or_default())
            .bind(filter.status.map_or("", |status| status.as_str()))
            .bind(filter.campaign.as_deref().unwrap_or_default())
            .bind(Stamp(before))
            .bind(Key::of(id))
            .bind(i64::from(limit) + 1)
            .fetch_all(conn)
            .await
    })?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    Ok((rows.into_iter().filter_map(readable).collect(), is_more))
}

pub(super) async fn find(db: &mut Db<'_>, id: Id) -> Result<Option<QueueRow>> {
    let row: Option<RawRow> = on_db!(db, conn => {
        sqlx::query_as(FIND).bind(Key::of(id)).bind(Key::without_hyphens(id)).fetch_optional(conn).await
    })?;
    Ok(row.and_then(readable))
}

/// Those of these commands that are over.
pub(in crate::safari::queue) async fn ended_of(db: &mut Db<'_>, ids: &[Id]) -> Result<Vec<QueueRow>> {
    let wanted = Json(ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    let rows: Vec<RawRow> = match db {
        Db::Sqlite(conn) => sqlx::query_as(ENDED_SQLITE).bind(wanted).fetch_all(&mut **conn).await?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => sqlx::query_as(ENDED_POSTGRES).bind(wanted).fetch_all(&mut **conn).await?,
    };
    Ok(rows.into_iter().filter_map(readable).collect())
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    number: i64,
    worker_id: String,
    service: Option<String>,
    started_at: Stamp,
    dispatched_at: Option<Moment>,
    finished_at: Option<Moment>,
    verdict: Option<String>,
    reason: Option<String>,
    detail: Option<String>,
    answer: Option<String>,
}

impl From<AttemptRow> for AttemptRecord {
    fn from(row: AttemptRow) -> Self {
        Self {
            number: u32::try_from(row.number).unwrap_or(u32::MAX),
            worker_id: row.worker_id,
            service: row.service,
            started_at: row.started_at.0,
            dispatched_at: row.dispatched_at.and_then(|moment| moment.0),
            finished_at: row.finished_at.and_then(|moment| moment.0),
            verdict: row.verdict,
            reason: row.reason,
            detail: row.detail,
            answer: row.answer.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

pub(super) async fn attempts(db: &mut Db<'_>, id: Id) -> Result<Vec<AttemptRecord>> {
    let rows: Vec<AttemptRow> = on_db!(db, conn => sqlx::query_as(ATTEMPTS).bind(id).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(AttemptRecord::from).collect())
}

pub(super) async fn depth(db: &mut Db<'_>) -> Result<Vec<(Option<String>, String, bool, i64)>> {
    Ok(on_db!(db, conn => sqlx::query_as(DEPTH).fetch_all(conn).await)?)
}

pub(super) async fn rejected(db: &mut Db<'_>) -> Result<u64> {
    let rows: i64 = on_db!(db, conn => sqlx::query_scalar(REJECTED).fetch_one(conn).await)?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

pub(super) async fn oldest(db: &mut Db<'_>, now: Timestamp) -> Result<Option<Timestamp>> {
    let at: Option<Moment> = on_db!(db, conn => sqlx::query_scalar(OLDEST).bind(Stamp(now)).fetch_one(conn).await)?;
    Ok(at.and_then(|moment| moment.0))
}

/// The waiting commands of a campaign.
pub(in crate::safari::queue) async fn ids_of(db: &mut Db<'_>, campaign: &str) -> Result<Vec<Id>> {
    let ids: Vec<String> = on_db!(db, conn => sqlx::query_scalar(IDS_OF).bind(campaign).fetch_all(conn).await)?;
    Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
}

pub(in crate::safari::queue) async fn prune_attempts(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => {
        sqlx::query(PRUNE_ATTEMPTS).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected())
    })?)
}
