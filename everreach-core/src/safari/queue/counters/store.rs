//! The counters' SQL.

use serde_json::json;
use sqlx::types::Json;

use super::Counted;
use super::taking::Windows;
use crate::safari::{LimitedAction, Platform};
use crate::store::{Db, Stamp, on_db};
use crate::{Result, Timestamp};

// Counts up only below the limit: the condition and the change are one statement.
const TAKE: &str = "INSERT INTO safari_rate_limits (platform, action, period, started_at, used) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (platform, action, period, started_at) DO UPDATE SET used = safari_rate_limits.used + excluded.used \
     WHERE safari_rate_limits.used + excluded.used <= $6";
const GIVE_BACK: &str = "UPDATE safari_rate_limits SET used = used - $5 \
     WHERE platform = $1 AND action = $2 AND period = $3 AND started_at = $4 AND used >= $5";
const MARK_SENT: &str = "INSERT INTO everreach_safari_sends (platform, action, sent_at) VALUES ($1, $2, $3) \
     ON CONFLICT (platform, action) DO UPDATE SET sent_at = excluded.sent_at WHERE everreach_safari_sends.sent_at < excluded.sent_at";
const LAST_SENT: &str = "SELECT platform, action, sent_at FROM everreach_safari_sends";
// By key: what others count in this table is not read through.
const USED_SQLITE: &str = "SELECT counted.platform, counted.action, counted.period, counted.used FROM json_each($1) AS wanted \
     JOIN safari_rate_limits AS counted ON counted.platform = wanted.value ->> 0 AND counted.action = wanted.value ->> 1 \
     AND counted.period = wanted.value ->> 2 AND counted.started_at = wanted.value ->> 3";
#[cfg(feature = "postgres")]
const USED_POSTGRES: &str = "SELECT counted.platform, counted.action, counted.period, counted.used \
     FROM jsonb_array_elements($1) AS wanted (value) \
     JOIN safari_rate_limits AS counted ON counted.platform = wanted.value ->> 0 AND counted.action = wanted.value ->> 1 \
     AND counted.period = wanted.value ->> 2 AND counted.started_at = (wanted.value ->> 3)::timestamptz";
const PRUNE: &str = "DELETE FROM safari_rate_limits WHERE started_at < $1";

/// Takes so many when there is room; no limit is room without end.
pub(super) async fn take(
    db: &mut Db<'_>,
    (counted, count): (Counted, u32),
    period: &str,
    started_at: Timestamp,
    limit: Option<u32>,
) -> Result<bool> {
    // The first row of a period is not checked by the statement.
    if limit.is_some_and(|limit| count > limit) {
        return Ok(false);
    }
    let rows = on_db!(db, conn => {
        sqlx::query(TAKE)
            .bind(counted.platform)
            .bind(counted.action)
            .bind(period)
            .bind(Stamp(started_at))
            .bind(i64::from(count))
            .bind(limit.map_or(i64::MAX, i64::from))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

pub(super) async fn give_back(
    db: &mut Db<'_>,
    (counted, count): (Counted, u32),
    period: &str,
    started_at: Timestamp,
) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(GIVE_BACK)
            .bind(counted.platform)
            .bind(counted.action)
            .bind(period)
            .bind(Stamp(started_at))
            .bind(i64::from(count))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(super) async fn mark_sent(db: &mut Db<'_>, account: Platform, action: LimitedAction, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(MARK_SENT).bind(account.as_str()).bind(action.as_str()).bind(Stamp(now)).execute(conn).await.map(drop)
    })?;
    Ok(())
}

pub(super) async fn last_sent(db: &mut Db<'_>) -> Result<Vec<(String, String, Stamp)>> {
    Ok(on_db!(db, conn => sqlx::query_as(LAST_SENT).fetch_all(conn).await)?)
}

pub(super) async fn used(db: &mut Db<'_>, windows: Windows) -> Result<Vec<(String, String, String, i64)>> {
    let key = |counted: Counted| {
        let row = move |period, at| json!([counted.platform, counted.action, period, Stamp(at).to_string()]);
        [row("hour", windows.hour), row("day", windows.day)]
    };
    let both = |platform| LimitedAction::ALL.into_iter().map(move |action| Counted::of(platform, action));
    let all = Platform::ALL.into_iter().flat_map(both).chain([Counted::COMBINED]);
    let wanted = Json(all.flat_map(key).collect::<Vec<_>>());
    match db {
        Db::Sqlite(conn) => Ok(sqlx::query_as(USED_SQLITE).bind(wanted).fetch_all(&mut **conn).await?),
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => Ok(sqlx::query_as(USED_POSTGRES).bind(wanted).fetch_all(&mut **conn).await?),
    }
}

/// Removes the counters of periods that began before.
pub(in crate::safari::queue) async fn prune(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => sqlx::query(PRUNE).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected()))?)
}
