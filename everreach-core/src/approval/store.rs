//! The approvals' SQL.

use super::{Approval, ApprovalRequest, ApprovalState};
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Id, Result, Timestamp};

// An open approval of the same key makes this change nothing.
const INSERT: &str = "INSERT INTO everreach_approvals \
     (id, kind, action, params, fingerprint, idempotency_key, state, requested_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8) ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT id, kind, action, params, fingerprint, idempotency_key, state, requested_at, expires_at, decided_at \
     FROM everreach_approvals WHERE id = $1";
// An open one first: the clock may have stepped back since an older one was closed.
const NEWEST: &str = "SELECT id, kind, action, params, fingerprint, idempotency_key, state, requested_at, expires_at, decided_at \
     FROM everreach_approvals WHERE idempotency_key = $1 \
     ORDER BY CASE WHEN state IN ('pending', 'approved') THEN 0 ELSE 1 END, requested_at DESC, id DESC LIMIT 1";
const IN_STATE: &str = "SELECT id, kind, action, params, fingerprint, idempotency_key, state, requested_at, expires_at, decided_at \
     FROM everreach_approvals WHERE state = $1 ORDER BY requested_at, id";
const LAPSED: &str = "SELECT id, kind, action, params, fingerprint, idempotency_key, state, requested_at, expires_at, decided_at \
     FROM everreach_approvals WHERE state IN ('pending', 'approved') AND expires_at <= $1 ORDER BY requested_at, id";
const DECIDE: &str = "UPDATE everreach_approvals SET state = $2, decided_at = $3, expires_at = $4 \
     WHERE id = $1 AND state = 'pending' AND expires_at > $3";
const CONSUME: &str =
    "UPDATE everreach_approvals SET state = 'consumed' WHERE id = $1 AND state = 'approved' AND expires_at > $2";
const EXPIRE: &str =
    "UPDATE everreach_approvals SET state = 'expired' WHERE id = $1 AND state IN ('pending', 'approved') AND expires_at <= $2";

/// Asks; says whether the key had no open approval.
pub(super) async fn insert(
    db: &mut Db<'_>,
    id: Id,
    request: &ApprovalRequest,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool> {
    let params = serde_json::to_string(&request.params)
        .map_err(|source| Error::new(ErrorKind::Internal, "the parameters cannot be written as JSON").with_source(source))?;
    let rows = on_db!(db, conn => {
        sqlx::query(INSERT)
            .bind(id)
            .bind(request.kind.as_ref())
            .bind(request.action.as_str())
            .bind(params)
            .bind(request.fingerprint.as_str())
            .bind(request.idempotency_key.as_str())
            .bind(Stamp(now))
            .bind(Stamp(expires_at))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

pub(super) async fn find(db: &mut Db<'_>, id: Id) -> Result<Option<Approval>> {
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(FIND).bind(id).fetch_optional(conn).await)?;
    row.map(Approval::try_from).transpose()
}

pub(super) async fn newest(db: &mut Db<'_>, idempotency_key: &str) -> Result<Option<Approval>> {
    let row: Option<Row> = on_db!(db, conn => sqlx::query_as(NEWEST).bind(idempotency_key).fetch_optional(conn).await)?;
    row.map(Approval::try_from).transpose()
}

/// Oldest first; one that cannot be read is left out with a warning.
pub(super) async fn in_state(db: &mut Db<'_>, state: ApprovalState) -> Result<Vec<Approval>> {
    let rows: Vec<Row> = on_db!(db, conn => sqlx::query_as(IN_STATE).bind(state.as_str()).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(readable).collect())
}

pub(super) async fn lapsed(db: &mut Db<'_>, now: Timestamp) -> Result<Vec<Approval>> {
    let rows: Vec<Row> = on_db!(db, conn => sqlx::query_as(LAPSED).bind(Stamp(now)).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(readable).collect())
}

/// Stores a person's decision; says whether it was still open.
pub(super) async fn decide(db: &mut Db<'_>, id: Id, state: ApprovalState, now: Timestamp, expires_at: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(DECIDE)
            .bind(id)
            .bind(state.as_str())
            .bind(Stamp(now))
            .bind(Stamp(expires_at))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Uses it; says whether it was there to be used.
pub(super) async fn consume(db: &mut Db<'_>, id: Id, now: Timestamp) -> Result<bool> {
    let rows =
        on_db!(db, conn => sqlx::query(CONSUME).bind(id).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

pub(super) async fn expire(db: &mut Db<'_>, id: Id, now: Timestamp) -> Result<bool> {
    let rows =
        on_db!(db, conn => sqlx::query(EXPIRE).bind(id).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Id,
    kind: String,
    action: String,
    params: String,
    fingerprint: String,
    idempotency_key: String,
    state: String,
    requested_at: Stamp,
    expires_at: Stamp,
    decided_at: Option<Stamp>,
}

impl TryFrom<Row> for Approval {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable =
            |column: &str| Error::new(ErrorKind::Store, "an approval cannot be read").with("id", row.id).with("column", column);
        Ok(Self {
            id: row.id,
            action: row.action.parse().map_err(|source: Error| unreadable("action").with_source(source))?,
            params: serde_json::from_str(&row.params).map_err(|source| unreadable("params").with_source(source))?,
            state: row.state.parse().map_err(|source: Error| unreadable("state").with_source(source))?,
            kind: row.kind,
            idempotency_key: row.idempotency_key,
            fingerprint: row.fingerprint,
            requested_at: row.requested_at.0,
            expires_at: row.expires_at.0,
            decided_at: row.decided_at.map(Timestamp::from),
        })
    }
}

fn readable(row: Row) -> Option<Approval> {
    Approval::try_from(row).inspect_err(|error| tracing::warn!(%error, "an approval is left out")).ok()
}
