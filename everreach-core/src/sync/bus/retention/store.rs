//! Retention's SQL, and the numbers of the status.

use crate::store::{Db, Stamp, on_db};
use crate::sync::bus::Retention;
use crate::{Result, Timestamp};

const TOPICS: &str = "SELECT DISTINCT topic FROM everreach_bus_topics ORDER BY topic";
const HANDLED: &str = "SELECT MIN(position) FROM everreach_bus_subscriptions WHERE topic = $1";
const TAKEN_OVER: &str = "SELECT MIN(place) FROM everreach_bus_peers WHERE topic = $1";
const SENT: &str = "SELECT sent_place FROM everreach_bus_topics WHERE origin = '' AND topic = $1";
// The newest number that so many others follow.
const CUT: &str = "SELECT everreach_seq FROM hybrid_messages WHERE topic = $1 AND everreach_seq IS NOT NULL \
     ORDER BY everreach_seq DESC LIMIT 1 OFFSET $2";
const REMOVE_HAD: &str = "DELETE FROM hybrid_messages WHERE topic = $1 AND everreach_seq <= $2 \
     AND (everreach_origin IS NOT NULL OR everreach_place <= $3) AND (everreach_at < $4 OR everreach_seq <= $5)";
const REMOVE_ANY: &str = "DELETE FROM hybrid_messages WHERE topic = $1 AND (everreach_at < $2 OR everreach_seq <= $3)";
const FORGET_PARKED: &str = "DELETE FROM everreach_bus_parked WHERE parked_at < $1 \
     OR parked_at <= (SELECT parked_at FROM everreach_bus_parked ORDER BY parked_at DESC LIMIT 1 OFFSET $2)";
const FORGET_INBOX: &str = "DELETE FROM everreach_bus_inbox WHERE handled_at < $1";
const FORGET_PEERS: &str = "DELETE FROM everreach_bus_peers WHERE seen_at < $1";
const UNSENT: &str =
    "SELECT CAST(COALESCE(SUM(last_place - sent_place), 0) AS BIGINT) FROM everreach_bus_topics WHERE origin = ''";
const PARKED: &str = "SELECT COUNT(*) FROM everreach_bus_parked";
const WAITING: &str = "SELECT subscription, topic, (SELECT COUNT(*) FROM hybrid_messages AS messages \
         WHERE messages.topic = subscriptions.topic AND messages.everreach_seq > subscriptions.position), error \
     FROM everreach_bus_subscriptions AS subscriptions ORDER BY subscription, topic";

pub(super) async fn topics(db: &mut Db<'_>) -> Result<Vec<String>> {
    Ok(on_db!(db, conn => sqlx::query_scalar(TOPICS).fetch_all(conn).await)?)
}

async fn least(db: &mut Db<'_>, statement: &'static str, topic: &str) -> Result<Option<i64>> {
    let least: Option<Option<i64>> = on_db!(db, conn => sqlx::query_scalar(statement).bind(topic).fetch_optional(conn).await)?;
    Ok(least.flatten())
}

async fn cut(db: &mut Db<'_>, topic: &str, count: u32) -> Result<i64> {
    let cut: Option<i64> =
        on_db!(db, conn => sqlx::query_scalar(CUT).bind(topic).bind(i64::from(count)).fetch_optional(conn).await)?;
    Ok(cut.unwrap_or(0))
}

/// Removes what is kept long enough; answers how many messages went that somebody had not had.
pub(super) async fn remove(db: &mut Db<'_>, topic: &str, retention: &Retention, is_sent: bool, now: Timestamp) -> Result<u64> {
    let handled = least(db, HANDLED, topic).await?.unwrap_or(i64::MAX);
    let sent = if is_sent { least(db, SENT, topic).await? } else { None };
    let taken_over = least(db, TAKEN_OVER, topic).await?.unwrap_or(i64::MAX).min(sent.unwrap_or(i64::MAX));
    let usual = cut(db, topic, retention.count).await?;
    on_db!(db, conn => {
        sqlx::query(REMOVE_HAD)
            .bind(topic)
            .bind(handled)
            .bind(taken_over)
            .bind(Stamp(now - retention.age))
            .bind(usual)
            .execute(conn)
            .await
            .map(drop)
    })?;
    let most = cut(db, topic, retention.most_count).await?;
    let oldest = Stamp(now - retention.longest_age);
    Ok(on_db!(db, conn => {
        let asked = sqlx::query(REMOVE_ANY).bind(topic).bind(oldest).bind(most);
        asked.execute(conn).await.map(|done| done.rows_affected())
    })?)
}

/// Forgets what was handled, and databases that were last heard of, before this time.
pub(super) async fn forget(db: &mut Db<'_>, before: Timestamp) -> Result<()> {
    for statement in [FORGET_INBOX, FORGET_PEERS] {
        on_db!(db, conn => sqlx::query(statement).bind(Stamp(before)).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// Forgets parked messages from before this time and whatever is older than so many others; answers how many.
pub(super) async fn forget_parked(db: &mut Db<'_>, before: Timestamp, most: u32) -> Result<u64> {
    Ok(on_db!(db, conn => {
        let asked = sqlx::query(FORGET_PARKED).bind(Stamp(before)).bind(i64::from(most));
        asked.execute(conn).await.map(|done| done.rows_affected())
    })?)
}

/// Messages that did not go to Redis yet, and parked ones.
pub(in crate::sync::bus) async fn counts(db: &mut Db<'_>) -> Result<(i64, i64)> {
    let unsent: i64 = on_db!(db, conn => sqlx::query_scalar(UNSENT).fetch_one(conn).await)?;
    let parked: i64 = on_db!(db, conn => sqlx::query_scalar(PARKED).fetch_one(conn).await)?;
    Ok((unsent, parked))
}

/// Each subscription with the number of messages that it has not had.
pub(in crate::sync::bus) async fn waiting(db: &mut Db<'_>) -> Result<Vec<(String, String, i64, Option<String>)>> {
    Ok(on_db!(db, conn => sqlx::query_as(WAITING).fetch_all(conn).await)?)
}
