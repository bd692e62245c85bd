//! The carrier's SQL.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::types::Json;

use super::admission::{Admission, admit};
use super::wire::{Arrival, Outgoing};
use crate::lease::{Authority, holds};
use crate::store::{Db, Stamp, on_db};
use crate::sync::bus::log;
use crate::{Result, Timestamp};

const ORIGIN: &str = "SELECT origin FROM everreach_bus WHERE id = 1";
const RENAME: &str = "UPDATE everreach_bus SET origin = $1 WHERE id = 1";
const SEND_ALL: &str = "UPDATE everreach_bus_topics SET sent_place = 0 WHERE origin = ''";
const FORGET_PEERS: &str = "DELETE FROM everreach_bus_peers";
const OWN_TOPICS: &str = "SELECT topic, last_place, sent_place FROM everreach_bus_topics WHERE origin = '' ORDER BY topic";
const OUTGOING_SQLITE: &str = "SELECT everreach_place, everreach_id, CAST(created_at AS TEXT), everreach_at, CAST(payload_json AS TEXT) \
     FROM hybrid_messages WHERE topic = $1 AND everreach_origin IS NULL AND everreach_place > $2 ORDER BY everreach_place LIMIT $3";
#[cfg(feature = "postgres")]
const OUTGOING_POSTGRES: &str = "SELECT everreach_place, everreach_id, created_at, everreach_at, CAST(payload_json AS TEXT) \
     FROM hybrid_messages WHERE topic = $1 AND everreach_origin IS NULL AND everreach_place > $2 ORDER BY everreach_place LIMIT $3";
const PREVIOUS: &str = "SELECT COALESCE(MAX(everreach_place), 0) FROM hybrid_messages \
     WHERE topic = $1 AND everreach_origin IS NULL AND everreach_place < $2";
const MARK_SENT: &str = "UPDATE everreach_bus_topics SET sent_place = $2 WHERE origin = '' AND topic = $1";
const LOWER_SENT: &str = "UPDATE everreach_bus_topics SET sent_place = $2 WHERE origin = '' AND topic = $1 AND sent_place > $2";
const SET_PEER: &str = "INSERT INTO everreach_bus_peers (peer, topic, place, seen_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (peer, topic) DO UPDATE SET place = excluded.place, seen_at = excluded.seen_at \
     WHERE everreach_bus_peers.place <> excluded.place";
const SUBSCRIBED: &str = "SELECT DISTINCT topic FROM everreach_bus_subscriptions ORDER BY topic";
const HAVE: &str = "SELECT origin, topic, last_place FROM everreach_bus_topics WHERE origin <> ''";
// A message that came under another name of its origin before is here already.
const INSERT_SQLITE: &str = "INSERT INTO hybrid_messages (id, topic, payload_json, created_at, everreach_id, everreach_seq, \
         everreach_origin, everreach_place, everreach_at) \
     SELECT CASE WHEN (SELECT type FROM pragma_table_info('hybrid_messages') WHERE name = 'id') LIKE '%INT%' THEN NULL \
         ELSE value ->> 'id' END, value ->> 'topic', value ->> 'payload', value ->> 'at', value ->> 'id', value ->> 'seq', \
         value ->> 'origin', value ->> 'place', $2 \
     FROM json_each($1) WHERE TRUE ORDER BY key ON CONFLICT DO NOTHING";
#[cfg(feature = "postgres")]
const INSERT_POSTGRES: &str = "INSERT INTO hybrid_messages (id, topic, payload_json, created_at, everreach_id, everreach_seq, \
         everreach_origin, everreach_place, everreach_at) \
     SELECT value ->> 'id', value ->> 'topic', value ->> 'payload', (value ->> 'at')::timestamptz, value ->> 'id', \
         (value ->> 'seq')::bigint, value ->> 'origin', (value ->> 'place')::bigint, $2 \
     FROM jsonb_array_elements($1) WITH ORDINALITY AS messages (value, nth) ORDER BY nth ON CONFLICT DO NOTHING";

/// This database's name.
pub(super) async fn origin(db: &mut Db<'_>) -> Result<String> {
    Ok(on_db!(db, conn => sqlx::query_scalar(ORIGIN).fetch_one(conn).await)?)
}

/// Gives the database a new name, under which everything is sent anew.
pub(super) async fn rename(db: &mut Db<'_>, authority: &Authority, name: &str) -> Result<bool> {
    if !holds(db, authority).await? {
        return Ok(false);
    }
    on_db!(db, conn => sqlx::query(RENAME).bind(name).execute(conn).await.map(drop))?;
    for statement in [SEND_ALL, FORGET_PEERS] {
        on_db!(db, conn => sqlx::query(statement).execute(conn).await.map(drop))?;
    }
    Ok(true)
}

/// A topic with messages of this database.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct OwnTopic {
    #[sqlx(rename = "topic")]
    pub(super) name: String,
    #[sqlx(rename = "last_place")]
    pub(super) last: i64,
    #[sqlx(rename = "sent_place")]
    pub(super) sent: i64,
}

pub(super) async fn own_topics(db: &mut Db<'_>) -> Result<Vec<OwnTopic>> {
    Ok(on_db!(db, conn => sqlx::query_as(OWN_TOPICS).fetch_all(conn).await)?)
}

/// The messages of a topic of this database after a place.
pub(super) async fn outgoing(db: &mut Db<'_>, topic: &str, after: i64, limit: u32) -> Result<Vec<Outgoing>> {
    let limit = i64::from(limit);
    let rows: Vec<(i64, String, Timestamp, String)> = match db {
        Db::Sqlite(conn) => {
            let rows: Vec<(i64, String, String, Stamp, String)> =
                sqlx::query_as(OUTGOING_SQLITE).bind(topic).bind(after).bind(limit).fetch_all(&mut **conn).await?;
            let row = |(place, id, at, seen_at, payload): (i64, String, String, Stamp, String)| {
                (place, id, log::read_time(&at).unwrap_or(seen_at.0), payload)
            };
            rows.into_iter().map(row).collect()
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            let rows: Vec<(i64, String, Option<Stamp>, Stamp, String)> =
                sqlx::query_as(OUTGOING_POSTGRES).bind(topic).bind(after).bind(limit).fetch_all(&mut **conn).await?;
            let row = |(place, id, at, seen_at, payload): (i64, String, Option<Stamp>, Stamp, String)| {
                (place, id, at.unwrap_or(seen_at).0, payload)
            };
            rows.into_iter().map(row).collect()
        }
    };
    let Some((first, ..)) = rows.first() else { return Ok(Vec::new()) };
    let mut previous: i64 = on_db!(db, conn => sqlx::query_scalar(PREVIOUS).bind(topic).bind(first).fetch_one(conn).await)?;
    let message = |(place, id, at, payload)| {
        let before = std::mem::replace(&mut previous, place);
        Outgoing { place, previous: before, id, at: Stamp(at).to_string(), payload }
    };
    Ok(rows.into_iter().map(message).collect())
}

/// The topic is in Redis up to here.
pub(super) async fn mark_sent(db: &mut Db<'_>, authority: &Authority, topic: &str, place: i64) -> Result<bool> {
    if !holds(db, authority).await? {
        return Ok(false);
    }
    on_db!(db, conn => sqlx::query(MARK_SENT).bind(topic).bind(place).execute(conn).await.map(drop))?;
    Ok(true)
}

/// Others miss what follows these places.
pub(super) async fn lower_sent(db: &mut Db<'_>, authority: &Authority, wanted: &[(String, String, i64)]) -> Result<bool> {
    if !holds(db, authority).await? {
        return Ok(false);
    }
    for (_, topic, place) in wanted {
        on_db!(db, conn => sqlx::query(LOWER_SENT).bind(topic).bind(*place).execute(conn).await.map(drop))?;
    }
    Ok(true)
}

/// How far others are with our topics.
pub(super) async fn set_peers(
    db: &mut Db<'_>,
    authority: &Authority,
    have: &[(String, String, i64)],
    now: Timestamp,
) -> Result<bool> {
    if !holds(db, authority).await? {
        return Ok(false);
    }
    for (peer, topic, place) in have {
        on_db!(db, conn => {
            sqlx::query(SET_PEER).bind(peer).bind(topic).bind(*place).bind(Stamp(now)).execute(conn).await.map(drop)
        })?;
    }
    Ok(true)
}

/// The topics that somebody here subscribes to.
pub(super) async fn subscribed(db: &mut Db<'_>) -> Result<Vec<String>> {
    Ok(on_db!(db, conn => sqlx::query_scalar(SUBSCRIBED).fetch_all(conn).await)?)
}

/// How far we are with the topics of others.
pub(super) async fn have(db: &mut Db<'_>) -> Result<BTreeMap<(String, String), i64>> {
    let rows: Vec<(String, String, i64)> = on_db!(db, conn => sqlx::query_as(HAVE).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|(origin, topic, place)| ((origin, topic), place)).collect())
}

/// What became of entries.
#[derive(Debug, Default)]
pub(super) struct Ingested {
    pub(super) taken: usize,
    pub(super) has_gap: bool,
    /// The newest place of each origin's topic that is here now, whether it is new or a repeat.
    pub(super) newest: BTreeMap<(String, String), i64>,
}

#[derive(Serialize)]
struct NewRow {
    id: String,
    topic: String,
    payload: String,
    at: String,
    seq: i64,
    origin: String,
    place: i64,
}

/// Puts what follows into the log; nothing when the authority does not hold any more.
pub(super) async fn ingest(
    db: &mut Db<'_>,
    authority: &Authority,
    arrivals: Vec<Arrival>,
    now: Timestamp,
) -> Result<Option<Ingested>> {
    if !holds(db, authority).await? {
        return Ok(None);
    }
    let mut ingested = Ingested::default();
    if arrivals.is_empty() {
        return Ok(Some(ingested));
    }
    let mut seq = log::lock(db).await?;
    let have = have(db).await?;
    let mut rows = Vec::new();
    for arrival in arrivals {
        let key = arrival.key();
        let newest = ingested.newest.entry(key.clone()).or_insert_with(|| have.get(&key).copied().unwrap_or(0));
        match admit(*newest, arrival.place, arrival.previous) {
            Admission::Repeat => continue,
            Admission::Gap => {
                ingested.has_gap = true;
                continue;
            }
            Admission::TakeAfterLoss => {
                let (topic, origin, have) = (&arrival.topic, &arrival.origin, *newest);
                tracing::warn!(
                    topic,
                    origin,
                    have,
                    next = arrival.place,
                    "messages were gone at their origin before they came here"
                );
            }
            Admission::Take => {}
        }
        *newest = arrival.place;
        seq += 1;
        let Arrival { origin, topic, place, id, at, payload, .. } = arrival;
        rows.push(NewRow { id, topic, payload, at, seq, origin, place });
    }
    ingested.taken = rows.len();
    ingested.newest.retain(|_, place| *place > 0);
    if rows.is_empty() {
        return Ok(Some(ingested));
    }
    log::advance(db, i64::try_from(rows.len()).unwrap_or(i64::MAX)).await?;
    match db {
        Db::Sqlite(conn) => {
            sqlx::query(INSERT_SQLITE).bind(Json(rows)).bind(Stamp(now)).execute(&mut **conn).await.map(drop)?;
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => {
            sqlx::query(INSERT_POSTGRES).bind(Json(rows)).bind(Stamp(now)).execute(&mut **conn).await.map(drop)?;
        }
    }
    for ((origin, topic), place) in &ingested.newest {
        log::set_last(db, origin, topic, *place).await?;
    }
    Ok(Some(ingested))
}
