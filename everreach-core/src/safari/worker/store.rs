//! The SQL about services.

use serde::Serialize;
use sqlx::types::Json;

use crate::safari::ServiceHealth;
use crate::safari::wire::ResearchRow;
use crate::store::{Db, Stamp, on_db};
use crate::{Result, Timestamp};

const EDGES: &str = "SELECT service_name, is_healthy, since, last_healthy FROM everreach_safari_service_edges";
macro_rules! set_edges {
    ($rows:expr) => {
        concat!(
            "INSERT INTO everreach_safari_service_edges (service_name, is_healthy, since, last_healthy) SELECT ",
            $rows,
            " ON CONFLICT (service_name) DO UPDATE SET is_healthy = excluded.is_healthy, since = excluded.since, \
             last_healthy = excluded.last_healthy"
        )
    };
}
const SET_EDGES_SQLITE: &str = set_edges!(
    "value ->> 'service_name', value ->> 'is_healthy', value ->> 'since', value ->> 'last_healthy' FROM json_each($1) WHERE TRUE"
);
#[cfg(feature = "postgres")]
const SET_EDGES_POSTGRES: &str = set_edges!(
    "service_name, is_healthy, since, last_healthy FROM jsonb_populate_recordset(NULL::everreach_safari_service_edges, $1)"
);
const TRIES: &str = "SELECT COUNT(*), COUNT(CASE WHEN verdict IN ('sent', 'sent_unverified', 'duplicate') THEN 1 END) \
     FROM everreach_safari_attempts WHERE started_at >= $1 AND finished_at IS NOT NULL";
// Each by its own index: rows that may go now, and rows that wait for their time.
const WAITING: &str = "SELECT (SELECT COUNT(*) FROM safari_command_queue WHERE status = 'pending' AND everreach_lane IS NOT NULL \
     AND everreach_due_at IS NULL) + (SELECT COUNT(*) FROM safari_command_queue WHERE status = 'pending' AND everreach_due_at IS NOT NULL)";

// A command that is tried again finds what it has found before; a later one looks at what has become of it.
const FOUND: &str = "INSERT INTO crm_market_research (platform, keyword, author, post_url, post_text, likes, views, comments, shares, \
     collected_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE NOT EXISTS (SELECT 1 FROM crm_market_research \
     WHERE platform = $1 AND keyword = $2 AND post_url = $4 AND collected_at >= $11)";

// Two that look at the same time would both find nothing; SQLite has one writer anyway.
#[cfg(feature = "postgres")]
const ONE_WRITER: &str = "SELECT pg_advisory_xact_lock(hashtext('crm_market_research'))";

/// Writes what a command found that was asked for then; returns how much of it was not written before.
pub(super) async fn write_found(db: &mut Db<'_>, found: &[ResearchRow], asked_at: Timestamp, now: Timestamp) -> Result<u64> {
    #[cfg(feature = "postgres")]
    if let Db::Postgres(conn) = db {
        sqlx::query(ONE_WRITER).execute(&mut **conn).await.map(drop)?;
    }
    let mut written = 0;
    for row in found {
        written += on_db!(&mut *db, conn => {
            sqlx::query(FOUND)
                .bind(row.platform.as_str())
                .bind(&row.keyword)
                .bind(&row.author)
                .bind(&row.post_url)
                .bind(&row.post_text)
                .bind(row.likes)
                .bind(row.views)
                .bind(row.comments)
                .bind(row.shares)
                .bind(Stamp(now))
                .bind(Stamp(asked_at))
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
    }
    Ok(written)
}

/// Tries that have ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tries {
    pub(super) ended: u64,
    /// Those that did something.
    pub(super) done: u64,
}

pub(super) async fn tries_since(db: &mut Db<'_>, since: Timestamp) -> Result<Tries> {
    let (ended, done): (i64, i64) = on_db!(db, conn => sqlx::query_as(TRIES).bind(Stamp(since)).fetch_one(conn).await)?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Tries { ended: count(ended), done: count(done) })
}

/// How many commands wait.
pub(super) async fn waiting(db: &mut Db<'_>) -> Result<u64> {
    let count: i64 = on_db!(db, conn => sqlx::query_scalar(WAITING).fetch_one(conn).await)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Since when a service is as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) is_new: bool,
    pub(super) since: Timestamp,
    pub(super) last_healthy: Option<Timestamp>,
}

#[derive(Serialize)]
struct EdgeRow {
    service_name: &'static str,
    is_healthy: i64,
    since: String,
    last_healthy: Option<String>,
}

/// Takes findings in; says for each since when it is so.
pub(super) async fn edges(db: &mut Db<'_>, found: &[ServiceHealth], now: Timestamp) -> Result<Vec<Edge>> {
    let known: Vec<(String, i64, Stamp, Option<Stamp>)> = on_db!(&mut *db, conn => sqlx::query_as(EDGES).fetch_all(conn).await)?;
    let edge = |health: &ServiceHealth| {
        let known = known.iter().find(|known| known.0 == health.service.as_str());
        let before = known.filter(|known| (known.1 == 1) == health.is_healthy());
        let last_healthy = if health.is_healthy() { Some(now) } else { known.and_then(|known| known.3.map(|last| last.0)) };
        Edge { is_new: before.is_none(), since: before.map_or(now, |known| known.2.0), last_healthy }
    };
    let edges: Vec<_> = found.iter().map(edge).collect();
    let row = |(health, edge): (&ServiceHealth, &Edge)| EdgeRow {
        service_name: health.service.as_str(),
        is_healthy: i64::from(health.is_healthy()),
        since: Stamp(edge.since).to_string(),
        last_healthy: edge.last_healthy.map(|at| Stamp(at).to_string()),
    };
    let rows = Json(found.iter().zip(&edges).map(row).collect::<Vec<_>>());
    let statement = match db {
        Db::Sqlite(_) => SET_EDGES_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => SET_EDGES_POSTGRES,
    };
    on_db!(db, conn => sqlx::query(statement).bind(rows).execute(conn).await.map(drop))?;
    Ok(edges)
}
