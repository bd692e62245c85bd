//! The local side's SQL: the outbox, and how far the cloud was read.

use super::super::store::{Author, json, unreadable};
use super::super::{Document, StateKey, StateKind};
use crate::store::{Db, Stamp, on_db};
use crate::{Error, Id, Result, Timestamp};

// What waits already is replaced and takes no further room.
const COUNT_OTHERS: &str = "SELECT COUNT(*) FROM everreach_state_outbox WHERE NOT (kind = $1 AND state_key = $2)";
// The version that the cloud is known to have stays what it was while a change waits.
const QUEUE: &str = "INSERT INTO everreach_state_outbox (kind, state_key, id, number, base, payload, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, state_key) DO UPDATE SET id = excluded.id, number = excluded.number, \
     payload = excluded.payload, updated_at = excluded.updated_at, attempts = 0, error = NULL, next_at = NULL";
const TAKE_OUT: &str = "DELETE FROM everreach_state_outbox WHERE kind = $1 AND state_key = $2";
const DUE: &str = "SELECT kind, state_key, id, number, base, payload, updated_at, attempts FROM everreach_state_outbox \
     WHERE next_at IS NULL OR next_at <= $1 ORDER BY id LIMIT $2";
const FIND: &str = "SELECT kind, state_key, id, number, base, payload, updated_at, attempts FROM everreach_state_outbox \
     WHERE kind = $1 AND state_key = $2";
const MOVE: &str =
    "UPDATE everreach_state_outbox SET id = $4, number = $5, base = $6 WHERE kind = $1 AND state_key = $2 AND id = $3";
const MOVE_DOCUMENT: &str =
    "UPDATE everreach_state SET id = $4, number = $5, seq = NULL WHERE kind = $1 AND state_key = $2 AND id = $3";
const FAIL: &str = "UPDATE everreach_state_outbox SET attempts = attempts + 1, error = $4, next_at = $5 \
     WHERE kind = $1 AND state_key = $2 AND id = $3";
const PENDING: &str =
    "SELECT COUNT(*) AS pending, COUNT(error) AS failing, MIN(updated_at) AS oldest FROM everreach_state_outbox";
const AN_ERROR: &str = "SELECT error FROM everreach_state_outbox WHERE error IS NOT NULL ORDER BY attempts DESC, id LIMIT 1";
const PULLED: &str = "UPDATE everreach_state_node SET pulled_to = $1, pulled_at = $2 WHERE id = 1";
const PUSHED: &str = "UPDATE everreach_state_node SET pushed_at = $1 WHERE id = 1";

/// How many other documents wait.
pub(in super::super) async fn count_others(db: &mut Db<'_>, kind: StateKind, key: &StateKey) -> Result<i64> {
    Ok(on_db!(db, conn => {
        sqlx::query_scalar(COUNT_OTHERS).bind(kind.as_str()).bind(key.as_str()).fetch_one(conn).await
    })?)
}

/// Lets a version wait for the cloud, in place of an earlier one.
pub(in super::super) async fn queue(db: &mut Db<'_>, document: &Document) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(QUEUE)
            .bind(document.kind.as_str())
            .bind(document.key.as_str())
            .bind(document.id)
            .bind(document.number)
            .bind(document.base)
            .bind(document.payload.to_string())
            .bind(Stamp(document.updated_at))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Nothing of this document waits any more.
pub(in super::super) async fn take_out(db: &mut Db<'_>, kind: StateKind, key: &StateKey) -> Result<()> {
    on_db!(db, conn => sqlx::query(TAKE_OUT).bind(kind.as_str()).bind(key.as_str()).execute(conn).await.map(drop))?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    state_key: String,
    id: Id,
    number: i64,
    base: Option<Id>,
    payload: String,
    updated_at: Stamp,
    attempts: i32,
}

/// A row of the outbox: what it is called there, and what it holds where that can be read.
#[derive(Debug)]
pub(in super::super) struct Waiting {
    pub(super) name: RowName,
    pub(super) attempts: u32,
    pub(super) document: Result<Document>,
}

/// A row of the outbox, whatever somebody wrote into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RowName {
    kind: String,
    key: String,
    pub(super) id: Id,
}

impl RowName {
    pub(super) fn of(document: &Document) -> Self {
        Self { kind: document.kind.as_str().to_owned(), key: document.key.as_str().to_owned(), id: document.id }
    }
}

impl std::fmt::Display for RowName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format!("{}/{}", self.kind, self.key).chars().take(128).collect::<String>())
    }
}

impl Row {
    fn read(self, author: &Author) -> Waiting {
        let name = RowName { kind: self.kind.clone(), key: self.state_key.clone(), id: self.id };
        let attempts = u32::try_from(self.attempts).unwrap_or(0);
        Waiting { attempts, document: self.document(author, &name), name }
    }

    fn document(self, author: &Author, name: &RowName) -> Result<Document> {
        let complain = |column: &'static str| {
            let (name, id) = (name.to_string(), name.id);
            move |source: Error| unreadable(&name, id, column).with_source(source)
        };
        Ok(Document {
            kind: self.kind.parse().map_err(complain("kind"))?,
            key: self.state_key.parse().map_err(complain("state_key"))?,
            id: self.id,
            number: self.number,
            base: self.base,
            node: author.node.clone(),
            side: author.side,
            payload: json(&self.payload).map_err(complain("payload"))?,
            updated_at: self.updated_at.0,
        })
    }
}

/// What may be sent now, oldest version first.
pub(super) async fn due(db: &mut Db<'_>, author: &Author, now: Timestamp, limit: u32) -> Result<Vec<Waiting>> {
    let rows: Vec<Row> = on_db!(db, conn => sqlx::query_as(DUE).bind(Stamp(now)).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| row.read(author)).collect())
}

/// What waits of this document.
pub(in super::super) async fn find(db: &mut Db<'_>, author: &Author, kind: StateKind, key: &StateKey) -> Result<Option<Waiting>> {
    let row: Option<Row> =
        on_db!(db, conn => sqlx::query_as(FIND).bind(kind.as_str()).bind(key.as_str()).fetch_optional(conn).await)?;
    Ok(row.map(|row| row.read(author)))
}

/// The waiting version is on top of `base` from now on, under this id and number.
pub(super) async fn shift(db: &mut Db<'_>, waiting: &Document, id: Id, number: i64, base: Id) -> Result<()> {
    let (kind, key) = (waiting.kind.as_str(), waiting.key.as_str());
    on_db!(db, conn => {
        sqlx::query(MOVE).bind(kind).bind(key).bind(waiting.id).bind(id).bind(number).bind(base).execute(conn).await.map(drop)
    })?;
    if id != waiting.id {
        on_db!(db, conn => {
            sqlx::query(MOVE_DOCUMENT).bind(kind).bind(key).bind(waiting.id).bind(id).bind(number).execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// Notes why a version still waits, and until when; at once when there is no such time.
pub(super) async fn fail(db: &mut Db<'_>, row: &RowName, error: &str, next_at: Option<Timestamp>) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(FAIL)
            .bind(row.kind.as_str())
            .bind(row.key.as_str())
            .bind(row.id)
            .bind(error)
            .bind(next_at.map(Stamp))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

#[derive(Debug, sqlx::FromRow)]
pub(in super::super) struct Pending {
    pub(in super::super) pending: i64,
    pub(in super::super) failing: i64,
    pub(in super::super) oldest: Option<Stamp>,
}

/// How much waits, how much of it has failed, and since when.
pub(in super::super) async fn pending(db: &mut Db<'_>) -> Result<Pending> {
    Ok(on_db!(db, conn => sqlx::query_as(PENDING).fetch_one(conn).await)?)
}

/// Why something waits, the most often tried first.
pub(in super::super) async fn an_error(db: &mut Db<'_>) -> Result<Option<String>> {
    Ok(on_db!(db, conn => sqlx::query_scalar(AN_ERROR).fetch_optional(conn).await)?)
}

/// The cloud was asked for news now, and read up to here.
pub(super) async fn pulled(db: &mut Db<'_>, cursor: Option<&str>, now: Timestamp) -> Result<()> {
    on_db!(db, conn => sqlx::query(PULLED).bind(cursor).bind(Stamp(now)).execute(conn).await.map(drop))?;
    Ok(())
}

pub(super) async fn pushed(db: &mut Db<'_>, now: Timestamp) -> Result<()> {
    on_db!(db, conn => sqlx::query(PUSHED).bind(Stamp(now)).execute(conn).await.map(drop))?;
    Ok(())
}
