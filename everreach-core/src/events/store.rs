//! The event log's SQL.

use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::RecordedEvent;
use crate::store::{Db, Stamp, on_db};
use crate::{Event, Id, Result, Timestamp};

const APPEND: &str = "INSERT INTO everreach_events (at, kind, subject, request_id, data) VALUES ($1, $2, $3, $4, $5)";
/// Many rows from one JSON array: one statement, prepared once, whatever their number.
const APPEND_MANY_SQLITE: &str = "INSERT INTO everreach_events (at, kind, subject, request_id, data)
    SELECT value ->> 'at', value ->> 'kind', value ->> 'subject', value ->> 'request_id', value -> 'data' FROM jsonb_each($1) ORDER BY key";
#[cfg(feature = "postgres")]
const APPEND_MANY_POSTGRES: &str = "INSERT INTO everreach_events (at, kind, subject, request_id, data)
    SELECT (value ->> 'at')::timestamptz, value ->> 'kind', value ->> 'subject', (value ->> 'request_id')::uuid, value -> 'data'
    FROM jsonb_array_elements($1) WITH ORDINALITY AS events (value, place) ORDER BY place";
const READ_AFTER: &str =
    "SELECT seq, at, kind, subject, request_id, data FROM everreach_events WHERE seq > $1 ORDER BY seq LIMIT $2";
const NEWEST: &str = "SELECT COALESCE(MAX(seq), 0) FROM everreach_events";
const COUNT: &str = "SELECT COUNT(*), COALESCE(MAX(seq), $1) FROM everreach_events WHERE seq > $1 AND kind = $2 AND at >= $3";
const PRUNE: &str = "DELETE FROM everreach_events WHERE at < $1";

/// Writes an event in the caller's own transaction.
///
/// # Errors
/// The store's.
pub async fn append(db: &mut Db<'_>, event: &Event) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(APPEND)
            .bind(Stamp(event.at))
            .bind(event.kind.as_ref())
            .bind(event.subject.as_str())
            .bind(event.request_id)
            .bind(Json(&event.data))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// A row as the statements above read it.
#[derive(Serialize)]
struct NewRow<'a> {
    at: String,
    kind: &'a str,
    subject: &'a str,
    request_id: Option<Id>,
    data: &'a Value,
}

impl<'a> From<&'a Event> for NewRow<'a> {
    fn from(event: &'a Event) -> Self {
        let Event { at, kind, subject, request_id, data } = event;
        Self { at: Stamp(*at).to_string(), kind, subject, request_id: *request_id, data }
    }
}

pub(super) async fn append_many(db: &mut Db<'_>, events: &[Event]) -> Result<()> {
    let rows: Vec<NewRow<'_>> = events.iter().map(NewRow::from).collect();
    match db {
        Db::Sqlite(conn) => sqlx::query(APPEND_MANY_SQLITE).bind(Json(rows)).execute(&mut **conn).await.map(drop)?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => sqlx::query(APPEND_MANY_POSTGRES).bind(Json(rows)).execute(&mut **conn).await.map(drop)?,
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    at: Stamp,
    kind: String,
    subject: String,
    request_id: Option<Id>,
    data: Json<Value>,
}

impl From<Row> for RecordedEvent {
    fn from(row: Row) -> Self {
        let mut event = Event::new(row.at.0, row.kind, row.subject).with_data(row.data.0);
        event.request_id = row.request_id;
        Self::new(row.seq, event)
    }
}

pub(super) async fn read_after(db: &mut Db<'_>, seq: i64, limit: u32) -> Result<Vec<RecordedEvent>> {
    let rows: Vec<Row> = on_db!(db, conn => sqlx::query_as(READ_AFTER).bind(seq).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(RecordedEvent::from).collect())
}

pub(super) async fn newest(db: &mut Db<'_>) -> Result<i64> {
    Ok(on_db!(db, conn => sqlx::query_scalar(NEWEST).fetch_one(conn).await)?)
}

/// How many of this kind there are after `seq` since `since`, and the newest number among them.
pub(super) async fn count(db: &mut Db<'_>, kind: &str, since: Timestamp, seq: i64) -> Result<(i64, i64)> {
    Ok(on_db!(db, conn => sqlx::query_as(COUNT).bind(seq).bind(kind).bind(Stamp(since)).fetch_one(conn).await)?)
}

pub(super) async fn prune(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => sqlx::query(PRUNE).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected()))?)
}
