//! The log's SQL.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;

use super::NewRow;
use crate::store::{Db, Stamp, on_db};
use crate::sync::bus::Published;
use crate::{Result, Timestamp};

/// Rows that are numbered in one transaction.
const NUMBERED_AT_ONCE: i64 = 1_000;

// Another program's table may count its rows by itself; then only `everreach_id` holds our id.
const APPEND_SQLITE: &str = "INSERT INTO hybrid_messages (id, topic, payload_json, created_at, everreach_id, everreach_dedup) \
     SELECT CASE WHEN (SELECT type FROM pragma_table_info('hybrid_messages') WHERE name = 'id') LIKE '%INT%' THEN NULL \
         ELSE value ->> 'id' END, \
         value ->> 'topic', value ->> 'payload', value ->> 'at', value ->> 'id', value ->> 'dedup' \
     FROM json_each($1) WHERE TRUE ORDER BY key \
     ON CONFLICT (topic, everreach_dedup) WHERE everreach_dedup IS NOT NULL DO NOTHING RETURNING everreach_id";
#[cfg(feature = "postgres")]
const APPEND_POSTGRES: &str = "INSERT INTO hybrid_messages (id, topic, payload_json, created_at, everreach_id, everreach_dedup) \
     SELECT value ->> 'id', value ->> 'topic', value ->> 'payload', (value ->> 'at')::timestamptz, value ->> 'id', value ->> 'dedup' \
     FROM jsonb_array_elements($1) WITH ORDINALITY AS messages (value, nth) ORDER BY nth \
     ON CONFLICT (topic, everreach_dedup) WHERE everreach_dedup IS NOT NULL DO NOTHING RETURNING everreach_id";
#[cfg(feature = "postgres")]
const ANNOUNCE: &str = "SELECT pg_notify('everreach_bus', '')";
const KNOWN: &str =
    "SELECT COALESCE(everreach_id, CAST(id AS TEXT)) FROM hybrid_messages WHERE topic = $1 AND everreach_dedup = $2";
const HAS_NEW: &str = "SELECT EXISTS (SELECT 1 FROM hybrid_messages WHERE everreach_seq IS NULL)";
// Whoever gives numbers holds this row until the numbers are committed.
const LAST: &str = "SELECT seq FROM everreach_bus WHERE id = 1";
#[cfg(feature = "postgres")]
const LAST_POSTGRES: &str = "SELECT seq FROM everreach_bus WHERE id = 1 FOR UPDATE";
const NUMBER_SQLITE: &str = "UPDATE hybrid_messages SET everreach_seq = new.base + new.nth, everreach_place = new.last + new.in_topic, \
         everreach_at = $2, everreach_id = COALESCE(everreach_id, new.origin || '-' || CAST(hybrid_messages.id AS TEXT)) \
     FROM (SELECT found.number, bus.seq AS base, bus.origin, COALESCE(topics.last_place, 0) AS last, \
             row_number() OVER (ORDER BY found.number) AS nth, \
             row_number() OVER (PARTITION BY found.topic ORDER BY found.number) AS in_topic \
         FROM (SELECT rowid AS number, topic FROM hybrid_messages WHERE everreach_seq IS NULL ORDER BY rowid LIMIT $1) AS found \
         CROSS JOIN everreach_bus AS bus \
         LEFT JOIN everreach_bus_topics AS topics ON topics.origin = '' AND topics.topic = found.topic) AS new \
     WHERE hybrid_messages.rowid = new.number RETURNING topic, everreach_place";
#[cfg(feature = "postgres")]
const NUMBER_POSTGRES: &str = "UPDATE hybrid_messages SET everreach_seq = new.base + new.nth, everreach_place = new.last + new.in_topic, \
         everreach_at = $2, everreach_id = COALESCE(everreach_id, new.origin || '-' || CAST(hybrid_messages.id AS TEXT)) \
     FROM (SELECT found.number, bus.seq AS base, bus.origin, COALESCE(topics.last_place, 0) AS last, \
             row_number() OVER (ORDER BY found.number) AS nth, \
             row_number() OVER (PARTITION BY found.topic ORDER BY found.number) AS in_topic \
         FROM (SELECT everreach_number AS number, topic FROM hybrid_messages WHERE everreach_seq IS NULL \
             ORDER BY everreach_number LIMIT $1) AS found \
         CROSS JOIN everreach_bus AS bus \
         LEFT JOIN everreach_bus_topics AS topics ON topics.origin = '' AND topics.topic = found.topic) AS new \
     WHERE hybrid_messages.everreach_number = new.number AND hybrid_messages.everreach_seq IS NULL \
     RETURNING hybrid_messages.topic, hybrid_messages.everreach_place";
const ADVANCE: &str = "UPDATE everreach_bus SET seq = seq + $1 WHERE id = 1";
const SET_LAST: &str = "INSERT INTO everreach_bus_topics (origin, topic, last_place) VALUES ($1, $2, $3) \
     ON CONFLICT (origin, topic) DO UPDATE SET last_place = excluded.last_place";
// Other programs write times in many forms; SQLite keeps any text.
const READ_SQLITE: &str = "SELECT everreach_seq, everreach_id, CAST(payload_json AS TEXT), CAST(created_at AS TEXT), everreach_at \
     FROM hybrid_messages WHERE topic = $1 AND everreach_seq > $2 ORDER BY everreach_seq LIMIT $3";
#[cfg(feature = "postgres")]
const READ_POSTGRES: &str = "SELECT everreach_seq, everreach_id, CAST(payload_json AS TEXT), created_at, everreach_at \
     FROM hybrid_messages WHERE topic = $1 AND everreach_seq > $2 ORDER BY everreach_seq LIMIT $3";

/// A message in the log.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sync::bus) struct Entry {
    pub(in crate::sync::bus) seq: i64,
    pub(in crate::sync::bus) id: String,
    pub(in crate::sync::bus) payload: String,
    pub(in crate::sync::bus) created_at: Timestamp,
}

pub(super) async fn append(db: &mut Db<'_>, rows: &[NewRow]) -> Result<Vec<Published>> {
    let written: Vec<String> = match db {
        Db::Sqlite(conn) => sqlx::query_scalar(APPEND_SQLITE).bind(Json(rows)).fetch_all(&mut **conn).await?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let written = sqlx::query_scalar(APPEND_POSTGRES).bind(Json(rows)).fetch_all(&mut **conn).await?;
            sqlx::query(ANNOUNCE).execute(&mut **conn).await?;
            written
        }
    };
    let written: BTreeSet<String> = written.into_iter().collect();
    let mut published = Vec::with_capacity(rows.len());
    for row in rows {
        published.push(match &row.dedup {
            Some(key) if !written.contains(&row.id) => Published::new(known(db, &row.topic, key).await?, false),
            _ => Published::new(row.id.clone(), true),
        });
    }
    Ok(published)
}

async fn known(db: &mut Db<'_>, topic: &str, key: &str) -> Result<String> {
    Ok(on_db!(db, conn => sqlx::query_scalar(KNOWN).bind(topic).bind(key).fetch_one(conn).await)?)
}

/// Whether there are messages without a number.
pub(in crate::sync::bus) async fn has_new(db: &mut Db<'_>) -> Result<bool> {
    Ok(on_db!(db, conn => sqlx::query_scalar(HAS_NEW).fetch_one(conn).await)?)
}

/// The newest number; on PostgreSQL nobody else gives numbers until the transaction ends, on SQLite nobody else writes.
pub(in crate::sync::bus) async fn lock(db: &mut Db<'_>) -> Result<i64> {
    let statement = match db {
        Db::Sqlite(_) => LAST,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => LAST_POSTGRES,
    };
    Ok(on_db!(db, conn => sqlx::query_scalar(statement).fetch_one(conn).await)?)
}

/// So many numbers were given.
pub(in crate::sync::bus) async fn advance(db: &mut Db<'_>, count: i64) -> Result<()> {
    Ok(on_db!(db, conn => sqlx::query(ADVANCE).bind(count).execute(conn).await.map(drop))?)
}

/// This is the newest place of an origin's topic.
pub(in crate::sync::bus) async fn set_last(db: &mut Db<'_>, origin: &str, topic: &str, place: i64) -> Result<()> {
    Ok(on_db!(db, conn => sqlx::query(SET_LAST).bind(origin).bind(topic).bind(place).execute(conn).await.map(drop))?)
}

/// Numbers messages that have none, in the order of their insertion; says how many.
pub(in crate::sync::bus) async fn number(db: &mut Db<'_>, now: Timestamp) -> Result<usize> {
    lock(db).await?;
    let statement = match db {
        Db::Sqlite(_) => NUMBER_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => NUMBER_POSTGRES,
    };
    let numbered: Vec<(String, i64)> = on_db!(db, conn => {
        sqlx::query_as(statement).bind(NUMBERED_AT_ONCE).bind(Stamp(now)).fetch_all(conn).await
    })?;
    advance(db, i64::try_from(numbered.len()).unwrap_or(i64::MAX)).await?;
    let count = numbered.len();
    let mut last = BTreeMap::new();
    for (topic, place) in numbered {
        let newest = last.entry(topic).or_insert(place);
        *newest = place.max(*newest);
    }
    for (topic, place) in last {
        set_last(db, "", &topic, place).await?;
    }
    Ok(count)
}

/// The messages of a topic after this number.
pub(in crate::sync::bus) async fn read(db: &mut Db<'_>, topic: &str, after: i64, limit: u32) -> Result<Vec<Entry>> {
    let limit = i64::from(limit);
    match db {
        Db::Sqlite(conn) => {
            let rows: Vec<(i64, String, String, String, Stamp)> =
                sqlx::query_as(READ_SQLITE).bind(topic).bind(after).bind(limit).fetch_all(&mut **conn).await?;
            let entry = |(seq, id, payload, created_at, seen_at): (i64, String, String, String, Stamp)| {
                let created_at = read_time(&created_at).unwrap_or(seen_at.0);
                Entry { seq, id, payload, created_at }
            };
            Ok(rows.into_iter().map(entry).collect())
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let rows: Vec<(i64, String, String, Option<Stamp>, Stamp)> =
                sqlx::query_as(READ_POSTGRES).bind(topic).bind(after).bind(limit).fetch_all(&mut **conn).await?;
            let entry = |(seq, id, payload, created_at, seen_at): (i64, String, String, Option<Stamp>, Stamp)| Entry {
                seq,
                id,
                payload,
                created_at: created_at.unwrap_or(seen_at).0,
            };
            Ok(rows.into_iter().map(entry).collect())
        }
    }
}

/// A time as a script may have written it: one of ours, Python's `isoformat()` without a zone (UTC), or seconds since 1970.
pub(in crate::sync::bus) fn read_time(text: &str) -> Option<Timestamp> {
    let without_zone = || Stamp::parse(&text.replacen('T', " ", 1));
    let seconds = || text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
    let since_epoch = || seconds().and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    let in_seconds = || since_epoch().and_then(|time| chrono::TimeDelta::from_std(time).ok());
    let counted = || in_seconds().and_then(|time| Timestamp::UNIX_EPOCH.checked_add_signed(time)).map(Stamp);
    Stamp::parse(text).or_else(without_zone).or_else(counted).map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_scripts_are_read() {
        for text in ["2026-11-20T08:00:00.5", "2026-11-20 08:00:00.500", "2026-11-20T08:00:00.500000Z", "1795161600.5"] {
            let at = read_time(text).unwrap_or_else(|| panic!("{text} is a time"));
            assert_eq!(Stamp(at).to_string(), "2026-11-20T08:00:00.500000Z", "{text}");
        }
        assert_eq!(read_time("yesterday"), None);
        assert_eq!(read_time("-inf"), None);
    }
}
