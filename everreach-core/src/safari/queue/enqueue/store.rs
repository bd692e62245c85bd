//! Enqueueing's SQL.

use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "postgres")]
use sqlx::types::Json;

use super::new_command::Prepared;
use crate::safari::queue::row::{Changing, QueueRow, RawRow, as_text, columns, readable};
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

// SQLite reads a row by place: to find a name it compares all names before it.
macro_rules! insert_sqlite {
    () => {
        "INSERT INTO safari_command_queue (id, action, platform, params, priority, status, scheduled_for, \
     retry_count, campaign_id, batch_id, created_at, updated_at, everreach_key, everreach_lane, everreach_due_at, everreach_contact) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value -> 9, value ->> 3, 'pending', value ->> 4, 0, value ->> 5, value ->> 6, $2, $2, \
     value ->> 7, value ->> 8, value ->> 4, value ->> 10 \
     FROM jsonb_each($1) WHERE TRUE ON CONFLICT DO NOTHING"
    };
}
const INSERT_SQLITE: Changing = Changing { plain: insert_sqlite!(), returning: concat!(insert_sqlite!(), " RETURNING id") };
// Through the table's own row type, so that a column of theirs may be of another type than ours would be.
#[cfg(feature = "postgres")]
const INSERT_POSTGRES: &str = "INSERT INTO safari_command_queue (id, action, platform, params, priority, status, scheduled_for, \
     retry_count, campaign_id, batch_id, created_at, updated_at, everreach_key, everreach_lane, everreach_due_at, everreach_contact) \
     SELECT id, action, platform, params, priority, 'pending', scheduled_for, 0, campaign_id, batch_id, created_at, created_at, \
     everreach_key, everreach_lane, scheduled_for, everreach_contact \
     FROM jsonb_populate_recordset(NULL::safari_command_queue, $1) ON CONFLICT DO NOTHING RETURNING id";
const BY_KEY: &str = concat!("SELECT ", columns!(), " FROM safari_command_queue WHERE everreach_key = $1");
#[cfg(feature = "postgres")]
const ANNOUNCE: &str = "SELECT pg_notify('everreach_safari', '')";

/// A row as the statements above read it.
#[derive(Serialize)]
struct NewRow<'a> {
    id: Id,
    action: &'a str,
    platform: Option<&'a str>,
    params: &'a Value,
    priority: i32,
    scheduled_for: Option<String>,
    campaign_id: Option<&'a str>,
    batch_id: Option<&'a str>,
    created_at: &'a str,
    everreach_key: Option<&'a str>,
    everreach_lane: &'a str,
    everreach_contact: Option<&'a str>,
}

impl<'a> NewRow<'a> {
    /// By place, for SQLite; all are made now.
    fn places(&self) -> impl Serialize {
        (
            self.id,
            self.action,
            self.platform,
            self.priority,
            &self.scheduled_for,
            self.campaign_id,
            self.batch_id,
            self.everreach_key,
            self.everreach_lane,
            self.params,
            self.everreach_contact,
        )
    }

    fn of(one: &'a Prepared, now: &'a str) -> Self {
        let command = &one.new.command;
        Self {
            id: command.id,
            action: &command.action,
            platform: command.platform.as_deref(),
            params: &command.params,
            priority: command.priority,
            scheduled_for: command.scheduled_for.map(|at| Stamp(at).to_string()),
            campaign_id: command.campaign_id.as_deref(),
            batch_id: command.batch_id.as_deref(),
            created_at: now,
            everreach_key: one.new.key.as_ref().map(crate::ledger::IdempotencyKey::as_str),
            everreach_lane: &one.lane,
            everreach_contact: one.contact.as_deref(),
        }
    }
}

/// Writes what is not there yet; returns what was written.
pub(super) async fn insert(db: &mut Db<'_>, chunk: &[Prepared], now: Timestamp) -> Result<Vec<Id>> {
    let written_at = Stamp(now).to_string();
    let row = |one| NewRow::of(one, &written_at);
    let rows = chunk.iter().map(row).collect::<Vec<_>>();
    match db {
        Db::Sqlite(conn) => {
            let ids = chunk.iter().map(|one| one.new.command.id).collect();
            let places = rows.iter().map(NewRow::places).collect::<Vec<_>>();
            INSERT_SQLITE.run(conn, &as_text(&places)?, ids, now).await
        }
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => Ok(sqlx::query_scalar(INSERT_POSTGRES).bind(Json(rows)).fetch_all(&mut **conn).await?),
    }
}

pub(in crate::safari::queue) async fn by_key(db: &mut Db<'_>, key: &str) -> Result<Option<QueueRow>> {
    let row: Option<RawRow> = on_db!(db, conn => sqlx::query_as(BY_KEY).bind(key).fetch_optional(conn).await)?;
    Ok(row.and_then(readable))
}

/// Tells other processes, once this is committed. SQLite has no such thing: there they look.
#[cfg_attr(not(feature = "postgres"), allow(clippy::unused_async, reason = "the twin with the feature waits"))]
pub(in crate::safari::queue) async fn announce(db: &mut Db<'_>) -> Result<()> {
    match db {
        Db::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => Ok(sqlx::query(ANNOUNCE).execute(&mut **conn).await.map(drop)?),
    }
}
