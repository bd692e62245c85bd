//! The SQL that both sides use: documents, conflicts, this database's name.

use serde_json::Value;

use super::conflict::ConflictVersion;
use super::{Conflict, Document, StateChange, StateKey, StateKind};
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Id, Result, Side, Timestamp};

const NODE: &str = "SELECT node, seq, pulled_to, pulled_at, pushed_at FROM everreach_state_node WHERE id = 1";
// What is noted about the exchange does not change while a page is laid.
#[cfg(feature = "postgres")]
const NODE_LOCKED_POSTGRES: &str =
    "SELECT node, seq, pulled_to, pulled_at, pushed_at FROM everreach_state_node WHERE id = 1 FOR UPDATE";
// The same text again changes nothing, so that nothing is sent for it.
const MAKE: &str = "INSERT INTO everreach_state (kind, state_key, id, number, base, node, side, payload, updated_at, received_at) \
     VALUES ($1, $2, $3, 1, NULL, $4, $5, $6, $7, $7) ON CONFLICT (kind, state_key) DO UPDATE SET base = everreach_state.id, \
     id = excluded.id, number = everreach_state.number + 1, node = excluded.node, side = excluded.side, \
     payload = excluded.payload, updated_at = excluded.updated_at, received_at = excluded.received_at, seq = NULL \
     WHERE everreach_state.payload <> excluded.payload RETURNING number, base";
const FIND: &str = "SELECT kind, state_key, id, number, base, node, side, payload, updated_at, received_at, seq \
     FROM everreach_state WHERE kind = $1 AND state_key = $2";
// What is being decided about does not change meanwhile.
#[cfg(feature = "postgres")]
const FIND_LOCKED_POSTGRES: &str = "SELECT kind, state_key, id, number, base, node, side, payload, updated_at, received_at, seq \
     FROM everreach_state WHERE kind = $1 AND state_key = $2 FOR UPDATE";
const HELD: &str = "SELECT id FROM everreach_state WHERE kind = $1 AND state_key = $2";
#[cfg(feature = "postgres")]
const HELD_LOCKED_POSTGRES: &str = "SELECT id FROM everreach_state WHERE kind = $1 AND state_key = $2 FOR UPDATE";
const PUT: &str = "INSERT INTO everreach_state (kind, state_key, id, number, base, node, side, payload, updated_at, received_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (kind, state_key) DO UPDATE SET id = excluded.id, \
     number = excluded.number, base = excluded.base, node = excluded.node, side = excluded.side, payload = excluded.payload, \
     updated_at = excluded.updated_at, received_at = excluded.received_at, seq = NULL WHERE everreach_state.id = $11";
const LIST: &str = "SELECT kind, state_key, id, number, base, node, side, payload, updated_at, received_at, seq \
     FROM everreach_state WHERE kind = $1 ORDER BY state_key LIMIT $2";
// Both sides may notice the same conflict in one database.
const ADD_CONFLICT: &str = "INSERT INTO everreach_state_conflicts (id, kind, state_key, winner, local_id, local_payload, \
     local_updated_at, cloud_id, cloud_payload, cloud_updated_at, detected_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
const CONFLICTS: &str = "SELECT id, kind, state_key, winner, local_id, local_payload, local_updated_at, cloud_id, cloud_payload, \
     cloud_updated_at, detected_at FROM everreach_state_conflicts ORDER BY detected_at DESC, id DESC LIMIT $1";
const COUNT_CONFLICTS: &str = "SELECT COUNT(*) FROM everreach_state_conflicts";
const PRUNE_CONFLICTS: &str = "DELETE FROM everreach_state_conflicts WHERE detected_at < $1";

/// This database among those that exchange state.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Node {
    pub(super) node: String,
    pub(super) seq: i64,
    pub(super) pulled_to: Option<String>,
    pub(super) pulled_at: Option<Stamp>,
    pub(super) pushed_at: Option<Stamp>,
}

impl Node {
    /// How far the exchange with the cloud has come, by whichever process of this database.
    pub(super) fn reached(&self) -> Reached {
        Reached { pulled_to: self.pulled_to.clone(), pulled_at: self.pulled_at, pushed_at: self.pushed_at }
    }
}

/// How far the exchange with the cloud has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) pulled_to: Option<String>,
    pulled_at: Option<Stamp>,
    pushed_at: Option<Stamp>,
}

pub(super) async fn node(db: &mut Db<'_>) -> Result<Node> {
    Ok(on_db!(db, conn => sqlx::query_as(NODE).fetch_one(conn).await)?)
}

/// The same, and no other process notes an exchange until the transaction ends.
pub(super) async fn node_locked(db: &mut Db<'_>) -> Result<Node> {
    let statement = match db {
        Db::Sqlite(_) => NODE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => NODE_LOCKED_POSTGRES,
    };
    Ok(on_db!(db, conn => sqlx::query_as(statement).fetch_one(conn).await)?)
}

/// Who makes versions here.
#[derive(Debug, Clone)]
pub(super) struct Author {
    pub(super) node: String,
    pub(super) side: Side,
}

/// Makes a new version; answers with its number and the version before, nothing when the document says so already.
pub(super) async fn make(
    db: &mut Db<'_>,
    change: &StateChange,
    id: Id,
    author: &Author,
    now: Timestamp,
) -> Result<Option<(i64, Option<Id>)>> {
    Ok(on_db!(db, conn => {
        sqlx::query_as(MAKE)
            .bind(change.kind.as_str())
            .bind(change.key.as_str())
            .bind(id)
            .bind(author.node.as_str())
            .bind(author.side.as_str())
            .bind(change.payload.to_string())
            .bind(Stamp(now))
            .fetch_optional(conn)
            .await
    })?)
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    kind: String,
    state_key: String,
    id: Id,
    number: i64,
    base: Option<Id>,
    node: String,
    side: String,
    payload: String,
    updated_at: Stamp,
    received_at: Stamp,
    seq: Option<i64>,
}

/// A document and what this database knows about it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) document: Document,
    pub(super) received_at: Timestamp,
}

impl Row {
    pub(super) const fn seq(&self) -> Option<i64> {
        self.seq
    }
}

impl TryFrom<Row> for Kept {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let name = format!("{}/{}", row.kind, row.state_key);
        let unreadable = |column: &'static str| {
            let (name, id) = (name.clone(), row.id);
            move |source: Error| unreadable(&name, id, column).with_source(source)
        };
        let document = Document {
            kind: row.kind.parse().map_err(unreadable("kind"))?,
            key: row.state_key.parse().map_err(unreadable("state_key"))?,
            id: row.id,
            number: row.number,
            base: row.base,
            side: row.side.parse().map_err(unreadable("side"))?,
            payload: json(&row.payload).map_err(unreadable("payload"))?,
            node: row.node,
            updated_at: row.updated_at.0,
        };
        Ok(Self { document, received_at: row.received_at.0 })
    }
}

/// The complaint about a row that holds something else than it should; the content is not in it.
pub(super) fn unreadable(name: &str, id: Id, column: &'static str) -> Error {
    Error::new(ErrorKind::Store, "a document of shared state cannot be read or may not leave")
        .with("document", name.chars().take(128).collect::<String>())
        .with("version", id)
        .with("column", column)
}

/// Reads a payload as it is kept; what it says is not in the error.
pub(super) fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|_| Error::new(ErrorKind::Store, "a payload is no JSON"))
}

pub(super) async fn find(db: &mut Db<'_>, kind: StateKind, key: &StateKey) -> Result<Option<Kept>> {
    let row: Option<Row> =
        on_db!(db, conn => sqlx::query_as(FIND).bind(kind.as_str()).bind(key.as_str()).fetch_optional(conn).await)?;
    row.map(Kept::try_from).transpose()
}

/// The document, which nobody else changes until the transaction ends.
pub(super) async fn find_locked(db: &mut Db<'_>, kind: StateKind, key: &StateKey) -> Result<Option<Kept>> {
    let statement = match db {
        Db::Sqlite(_) => FIND,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => FIND_LOCKED_POSTGRES,
    };
    let row: Option<Row> =
        on_db!(db, conn => sqlx::query_as(statement).bind(kind.as_str()).bind(key.as_str()).fetch_optional(conn).await)?;
    row.map(Kept::try_from).transpose()
}

/// The version that is here, which nobody else replaces until the transaction ends.
pub(super) async fn held_locked(db: &mut Db<'_>, kind: StateKind, key: &StateKey) -> Result<Option<Id>> {
    let statement = match db {
        Db::Sqlite(_) => HELD,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => HELD_LOCKED_POSTGRES,
    };
    Ok(on_db!(db, conn => sqlx::query_scalar(statement).bind(kind.as_str()).bind(key.as_str()).fetch_optional(conn).await)?)
}

/// Puts a version in the place of `held`.
///
/// # Errors
/// [`ErrorKind::StoreUnavailable`] when another one stands there by now: the same again may work. Or the store's.
pub(super) async fn put(db: &mut Db<'_>, document: &Document, held: Option<Id>, now: Timestamp) -> Result<()> {
    let rows = on_db!(db, conn => {
        sqlx::query(PUT)
            .bind(document.kind.as_str())
            .bind(document.key.as_str())
            .bind(document.id)
            .bind(document.number)
            .bind(document.base)
            .bind(document.node.as_str())
            .bind(document.side.as_str())
            .bind(document.payload.to_string())
            .bind(Stamp(document.updated_at))
            .bind(Stamp(now))
            .bind(held)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    if rows == 1 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::StoreUnavailable, "a document of shared state was changed meanwhile: try again")
        .with("document", format!("{}/{}", document.kind, document.key)))
}

pub(super) async fn list(db: &mut Db<'_>, kind: StateKind, limit: u32) -> Result<Vec<Kept>> {
    let rows: Vec<Row> =
        on_db!(db, conn => sqlx::query_as(LIST).bind(kind.as_str()).bind(i64::from(limit)).fetch_all(conn).await)?;
    let readable = |row| Kept::try_from(row).inspect_err(|error| tracing::warn!(%error, "a document is left out")).ok();
    Ok(rows.into_iter().filter_map(readable).collect())
}

/// Writes a conflict down; says whether it was not known.
pub(super) async fn add_conflict(db: &mut Db<'_>, conflict: &Conflict) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(ADD_CONFLICT)
            .bind(conflict.id)
            .bind(conflict.kind.as_str())
            .bind(conflict.key.as_str())
            .bind(conflict.winner.as_str())
            .bind(conflict.local.id)
            .bind(conflict.local.payload.to_string())
            .bind(Stamp(conflict.local.updated_at))
            .bind(conflict.cloud.id)
            .bind(conflict.cloud.payload.to_string())
            .bind(Stamp(conflict.cloud.updated_at))
            .bind(Stamp(conflict.detected_at))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

#[derive(sqlx::FromRow)]
struct ConflictRow {
    id: Id,
    kind: String,
    state_key: String,
    winner: String,
    local_id: Id,
    local_payload: String,
    local_updated_at: Stamp,
    cloud_id: Id,
    cloud_payload: String,
    cloud_updated_at: Stamp,
    detected_at: Stamp,
}

impl TryFrom<ConflictRow> for Conflict {
    type Error = Error;

    fn try_from(row: ConflictRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            kind: row.kind.parse()?,
            key: row.state_key.parse()?,
            winner: row.winner.parse()?,
            local: ConflictVersion::new(row.local_id, json(&row.local_payload)?, row.local_updated_at.0),
            cloud: ConflictVersion::new(row.cloud_id, json(&row.cloud_payload)?, row.cloud_updated_at.0),
            detected_at: row.detected_at.0,
        })
    }
}

pub(super) async fn conflicts(db: &mut Db<'_>, limit: u32) -> Result<Vec<Conflict>> {
    let rows: Vec<ConflictRow> = on_db!(db, conn => sqlx::query_as(CONFLICTS).bind(i64::from(limit)).fetch_all(conn).await)?;
    let readable = |row| Conflict::try_from(row).inspect_err(|error| tracing::warn!(%error, "a conflict is left out")).ok();
    Ok(rows.into_iter().filter_map(readable).collect())
}

pub(super) async fn count_conflicts(db: &mut Db<'_>) -> Result<i64> {
    Ok(on_db!(db, conn => sqlx::query_scalar(COUNT_CONFLICTS).fetch_one(conn).await)?)
}

pub(super) async fn prune_conflicts(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => {
        sqlx::query(PRUNE_CONFLICTS).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected())
    })?)
}
