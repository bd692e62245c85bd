//! The subscriptions' SQL: their cursors, what they parked, and the inbox.

use super::Cursor;
use crate::store::{Db, Stamp, on_db};
use crate::sync::bus::log::Entry;
use crate::sync::bus::{ParkedMessage, Start, Subscription};
use crate::{Result, Timestamp};

const REGISTER: &str = "INSERT INTO everreach_bus_subscriptions (subscription, topic, position, created_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (subscription, topic) DO NOTHING";
const NEWEST: &str = "SELECT seq FROM everreach_bus WHERE id = 1";
const UNREGISTER: &str = "DELETE FROM everreach_bus_subscriptions WHERE subscription = $1 AND topic = $2";
const LOOK: &str = "SELECT position, head, through, attempts, next_at, error FROM everreach_bus_subscriptions \
     WHERE subscription = $1 AND topic = $2";
const SAVE: &str = "UPDATE everreach_bus_subscriptions SET head = $4, through = $5, attempts = $6, next_at = NULL \
     WHERE subscription = $1 AND topic = $2 AND position = $3";
const ACKNOWLEDGE: &str = "UPDATE everreach_bus_subscriptions SET position = $3, next_at = NULL, error = NULL \
     WHERE subscription = $1 AND topic = $2 AND position < $3";
// For programs that look for what nobody has had.
const CONSUMED: &str = "UPDATE hybrid_messages SET consumed_at = $4 WHERE topic = $1 AND everreach_seq > $2 AND everreach_seq <= $3 \
     AND consumed_at IS NULL AND NOT EXISTS (SELECT 1 FROM everreach_bus_subscriptions AS others \
         WHERE others.topic = hybrid_messages.topic AND others.position < hybrid_messages.everreach_seq)";
const DEFER: &str = "UPDATE everreach_bus_subscriptions SET position = CASE WHEN position < $3 - 1 THEN $3 - 1 ELSE position END, \
     attempts = CASE WHEN head = $3 THEN attempts ELSE 1 END, head = $3, next_at = $4, error = $5 \
     WHERE subscription = $1 AND topic = $2 AND position < $3 RETURNING attempts";
const PARK: &str = "INSERT INTO everreach_bus_parked \
     (subscription, message_id, topic, payload_json, created_at, attempts, error, parked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (subscription, message_id) DO UPDATE SET attempts = excluded.attempts, error = excluded.error, \
     parked_at = excluded.parked_at, replay_at = NULL";
const NEXT_REPLAY: &str = "SELECT message_id, payload_json, created_at, attempts FROM everreach_bus_parked \
     WHERE subscription = $1 AND topic = $2 AND replay_at IS NOT NULL ORDER BY replay_at, message_id LIMIT 1";
const PARK_AGAIN: &str = "UPDATE everreach_bus_parked SET replay_at = NULL, attempts = attempts + 1, error = $3, parked_at = $4 \
     WHERE subscription = $1 AND message_id = $2";
const DROP_REPLAYED: &str = "DELETE FROM everreach_bus_parked WHERE subscription = $1 AND message_id = $2";
const PARKED: &str = "SELECT subscription, message_id, topic, payload_json, attempts, error, parked_at, replay_at \
     FROM everreach_bus_parked ORDER BY parked_at, message_id LIMIT $1";
const REPLAY: &str = "UPDATE everreach_bus_parked SET replay_at = $3 WHERE subscription = $1 AND message_id = $2";
const FIRST_TIME: &str = "INSERT INTO everreach_bus_inbox (subscription, message_id, handled_at) VALUES ($1, $2, $3) \
     ON CONFLICT (subscription, message_id) DO NOTHING";

/// Makes a subscription known, so that what it has not had is kept.
pub(in crate::sync::bus) async fn register(db: &mut Db<'_>, subscription: &Subscription, now: Timestamp) -> Result<bool> {
    let position: i64 = match subscription.start {
        Start::Oldest => 0,
        Start::Newest => on_db!(db, conn => sqlx::query_scalar(NEWEST).fetch_one(conn).await)?,
    };
    let rows = on_db!(db, conn => {
        let asked = sqlx::query(REGISTER).bind(&subscription.name).bind(&subscription.topic).bind(position).bind(Stamp(now));
        asked.execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

pub(in crate::sync::bus) async fn unregister(db: &mut Db<'_>, subscription: &str, topic: &str) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(UNREGISTER).bind(subscription).bind(topic).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    head: i64,
    through: i64,
    attempts: i64,
    next_at: Option<Stamp>,
    error: Option<String>,
}

fn count(attempts: i64) -> u32 {
    u32::try_from(attempts).unwrap_or(u32::MAX)
}

/// The subscription's row; nothing when somebody removed it.
pub(in crate::sync::bus) async fn look(db: &mut Db<'_>, subscription: &str, topic: &str) -> Result<Option<Cursor>> {
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(LOOK).bind(subscription).bind(topic).fetch_optional(conn).await)?;
    Ok(row.map(|row| Cursor {
        position: row.position,
        head: row.head,
        through: row.through,
        attempts: count(row.attempts),
        next_at: row.next_at.map(Timestamp::from),
        error: row.error,
    }))
}

/// Writes down what is about to be delivered; says whether the cursor was still there.
pub(in crate::sync::bus) async fn save(db: &mut Db<'_>, subscription: &Subscription, cursor: &Cursor) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(SAVE)
            .bind(&subscription.name)
            .bind(&subscription.topic)
            .bind(cursor.position)
            .bind(cursor.head)
            .bind(cursor.through)
            .bind(i64::from(cursor.attempts))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Everything up to this number is handled.
pub(in crate::sync::bus) async fn acknowledge(
    db: &mut Db<'_>,
    subscription: &str,
    topic: &str,
    seq: i64,
    now: Timestamp,
) -> Result<()> {
    let Some(before) = look(db, subscription, topic).await? else { return Ok(()) };
    on_db!(db, conn => sqlx::query(ACKNOWLEDGE).bind(subscription).bind(topic).bind(seq).execute(conn).await.map(drop))?;
    Ok(on_db!(db, conn => {
        sqlx::query(CONSUMED).bind(topic).bind(before.position).bind(seq).bind(Stamp(now)).execute(conn).await.map(drop)
    })?)
}

/// A failed delivery, as it is written down.
#[derive(Debug)]
pub(in crate::sync::bus) struct Deferred<'a> {
    pub(in crate::sync::bus) subscription: &'a str,
    pub(in crate::sync::bus) topic: &'a str,
    pub(in crate::sync::bus) seq: i64,
    pub(in crate::sync::bus) next_at: Timestamp,
    pub(in crate::sync::bus) error: &'a str,
}

/// Lets a message wait, with those before it handled; says how often it was delivered, nothing when it is behind the cursor already.
pub(in crate::sync::bus) async fn defer(db: &mut Db<'_>, deferred: &Deferred<'_>, now: Timestamp) -> Result<Option<u32>> {
    let Deferred { subscription, topic, seq, next_at, error } = deferred;
    acknowledge(db, subscription, topic, seq - 1, now).await?;
    let attempts: Option<i64> = on_db!(db, conn => {
        let asked = sqlx::query_scalar(DEFER).bind(subscription).bind(topic).bind(seq).bind(Stamp(*next_at)).bind(error);
        asked.fetch_optional(conn).await
    })?;
    Ok(attempts.map(count))
}

/// Parks a message of the log.
pub(in crate::sync::bus) async fn park(
    db: &mut Db<'_>,
    subscription: &Subscription,
    entry: &Entry,
    why: (u32, &str),
    now: Timestamp,
) -> Result<()> {
    Ok(on_db!(db, conn => {
        sqlx::query(PARK)
            .bind(&subscription.name)
            .bind(&entry.id)
            .bind(&subscription.topic)
            .bind(&entry.payload)
            .bind(Stamp(entry.created_at))
            .bind(i64::from(why.0))
            .bind(why.1)
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(drop)
    })?)
}

/// A parked message that waits to be delivered once more: its id, payload, time and deliveries.
pub(in crate::sync::bus) async fn next_replay(
    db: &mut Db<'_>,
    subscription: &Subscription,
) -> Result<Option<(String, String, Timestamp, u32)>> {
    let row: Option<(String, String, Stamp, i64)> = on_db!(db, conn => {
        sqlx::query_as(NEXT_REPLAY).bind(&subscription.name).bind(&subscription.topic).fetch_optional(conn).await
    })?;
    Ok(row.map(|(id, payload, at, attempts)| (id, payload, at.0, count(attempts))))
}

/// A replayed message failed again.
pub(in crate::sync::bus) async fn park_again(
    db: &mut Db<'_>,
    subscription: &str,
    id: &str,
    error: &str,
    now: Timestamp,
) -> Result<()> {
    Ok(on_db!(db, conn => {
        sqlx::query(PARK_AGAIN).bind(subscription).bind(id).bind(error).bind(Stamp(now)).execute(conn).await.map(drop)
    })?)
}

/// A replayed message is handled.
pub(in crate::sync::bus) async fn drop_replayed(db: &mut Db<'_>, subscription: &str, id: &str) -> Result<()> {
    Ok(on_db!(db, conn => sqlx::query(DROP_REPLAYED).bind(subscription).bind(id).execute(conn).await.map(drop))?)
}

#[derive(sqlx::FromRow)]
struct ParkedRow {
    subscription: String,
    message_id: String,
    topic: String,
    payload_json: String,
    attempts: i64,
    error: String,
    parked_at: Stamp,
    replay_at: Option<Stamp>,
}

pub(in crate::sync::bus) async fn parked(db: &mut Db<'_>, limit: u32) -> Result<Vec<ParkedMessage>> {
    let rows: Vec<ParkedRow> = on_db!(db, conn => sqlx::query_as(PARKED).bind(i64::from(limit)).fetch_all(conn).await)?;
    let message = |row: ParkedRow| ParkedMessage {
        subscription: row.subscription,
        id: row.message_id,
        topic: row.topic,
        payload: row.payload_json,
        attempts: count(row.attempts),
        error: row.error,
        parked_at: row.parked_at.0,
        is_replayed: row.replay_at.is_some(),
    };
    Ok(rows.into_iter().map(message).collect())
}

pub(in crate::sync::bus) async fn replay(db: &mut Db<'_>, subscription: &str, id: &str, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(REPLAY).bind(subscription).bind(id).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Whether a subscription handles a message for the first time, to be asked in the transaction of the handler's effect: the answer
/// is `true` once, and that is undone with the transaction. [`OutboxBus::apply`](crate::sync::bus::OutboxBus::apply) does this and
/// acknowledges in the same transaction.
///
/// # Errors
/// The store's.
pub async fn first_time(db: &mut Db<'_>, subscription: &str, message_id: &str, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        let asked = sqlx::query(FIRST_TIME).bind(subscription).bind(message_id).bind(Stamp(now));
        asked.execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}
