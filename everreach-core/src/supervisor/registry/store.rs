//! The agents' SQL: the registry, the circuits, restarts and health.

use sqlx::FromRow as _;

use super::history::{HealthRow, RestartRow};
use super::registered::Row;
use super::{HealthRecord, ProcessNote, RegisteredAgent, RestartRecord};
use crate::breaker::CircuitState;
use crate::store::{Db, Stamp, on_db};
use crate::supervisor::agent::{AgentDefinition, AgentId, AgentStatus};
use crate::supervisor::circuit::StoredCircuit;
use crate::supervisor::lifecycle::Wanted;
use crate::{Error, ErrorKind, Result, Timestamp};

const ALL: &str = "SELECT agent_id, name, entry_point, CAST(capabilities AS TEXT) AS capabilities, health_url, status, registered_at, \
     needs_restart, everreach_definition, everreach_wanted, everreach_owner, everreach_boot, everreach_pid, everreach_incarnation \
     FROM actp_agent_registry WHERE (CAST($1 AS TEXT) IS NULL OR agent_id = $1) ORDER BY agent_id";
const REGISTER_SQLITE: &str = "INSERT INTO actp_agent_registry \
     (agent_id, name, entry_point, capabilities, health_url, status, registered_at, everreach_definition, everreach_changed_at) \
     VALUES ($1, $2, $3, $4, $5, 'registered', $6, $7, $6) ON CONFLICT (agent_id) DO UPDATE SET name = excluded.name, \
     entry_point = excluded.entry_point, capabilities = excluded.capabilities, health_url = excluded.health_url, \
     everreach_definition = excluded.everreach_definition, everreach_changed_at = excluded.everreach_changed_at";
#[cfg(feature = "postgres")]
const REGISTER_POSTGRES: &str = "INSERT INTO actp_agent_registry \
     (agent_id, name, entry_point, capabilities, health_url, status, registered_at, everreach_definition, everreach_changed_at) \
     VALUES ($1, $2, $3, CAST($4 AS JSONB), $5, 'registered', $6, $7, $6) ON CONFLICT (agent_id) DO UPDATE SET name = excluded.name, \
     entry_point = excluded.entry_point, capabilities = excluded.capabilities, health_url = excluded.health_url, \
     everreach_definition = excluded.everreach_definition, everreach_changed_at = excluded.everreach_changed_at";
const REMOVE: &str = "DELETE FROM actp_agent_registry WHERE agent_id = $1";
const REMOVE_CIRCUIT: &str = "DELETE FROM actp_circuit_breakers WHERE agent_id = $1";
const WANT: &str = "UPDATE actp_agent_registry SET everreach_wanted = $2, everreach_changed_at = $3 WHERE agent_id = $1";
const STATUS: &str = "UPDATE actp_agent_registry SET status = $2, everreach_changed_at = $3 WHERE agent_id = $1";
const PROCESS: &str =
    "UPDATE actp_agent_registry SET everreach_pid = $2, everreach_incarnation = $3, everreach_boot = $4 WHERE agent_id = $1";
const TAKE_SIGNAL: &str = "UPDATE actp_agent_registry SET needs_restart = FALSE WHERE agent_id = $1 AND needs_restart";
// Whoever reads an owner and finds its lease over takes the agent only if that owner is still the one it read.
const CLAIM: &str = "UPDATE actp_agent_registry SET everreach_owner = $2 \
     WHERE agent_id = $1 AND (everreach_owner IS NULL OR everreach_owner = $2 OR everreach_owner = $3)";
const RELEASE: &str = "UPDATE actp_agent_registry SET everreach_owner = NULL WHERE agent_id = $1 AND everreach_owner = $2";
const CIRCUITS: &str = "SELECT agent_id, state, CAST(failure_count AS BIGINT), last_failure_at, tripped_at, everreach_next_try_at, \
     everreach_rests, everreach_recent FROM actp_circuit_breakers WHERE (CAST($1 AS TEXT) IS NULL OR agent_id = $1)";
const SAVE_CIRCUIT: &str = "INSERT INTO actp_circuit_breakers (agent_id, state, failure_count, last_failure_at, tripped_at, \
     everreach_next_try_at, everreach_rests, everreach_recent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
     ON CONFLICT (agent_id) DO UPDATE SET state = excluded.state, failure_count = excluded.failure_count, \
     last_failure_at = excluded.last_failure_at, tripped_at = excluded.tripped_at, \
     everreach_next_try_at = excluded.everreach_next_try_at, everreach_rests = excluded.everreach_rests, \
     everreach_recent = excluded.everreach_recent";
const HEALTH: &str =
    "INSERT INTO actp_agent_health_log (agent_id, health_score, response_ms, error, checked_at) VALUES ($1, $2, $3, $4, $5)";
const HEALTH_OF: &str = "SELECT agent_id, CAST(health_score AS BIGINT) AS health_score, CAST(response_ms AS BIGINT) AS response_ms, error, \
     checked_at FROM actp_agent_health_log WHERE agent_id = $1 ORDER BY checked_at DESC LIMIT $2";
// The row is found again by agent and moment: the id is whatever the table makes it.
const RESTART: &str = "INSERT INTO actp_agent_restarts (agent_id, reason, pid_before, pid_after, success, restarted_at, everreach_detail) \
     VALUES ($1, $2, $3, $4, NULL, $5, $6)";
const SETTLE_RESTART: &str = "UPDATE actp_agent_restarts SET success = $3, everreach_recovered_ms = $4 \
     WHERE agent_id = $1 AND restarted_at = $2 AND success IS NULL";
const RESTARTS_OF: &str = "SELECT agent_id, reason, everreach_detail, CAST(pid_before AS BIGINT) AS pid_before, \
     CAST(pid_after AS BIGINT) AS pid_after, success, everreach_recovered_ms, restarted_at FROM actp_agent_restarts \
     WHERE agent_id = $1 ORDER BY restarted_at DESC LIMIT $2";
const COUNT_RESTARTS: &str = "SELECT COUNT(*) FROM actp_agent_restarts WHERE agent_id = $1";
const PRUNE_HEALTH: &str = "DELETE FROM actp_agent_health_log WHERE checked_at < $1";

/// Every agent, or the one of this id; what cannot be read comes as an error of its own.
pub(super) async fn agents(db: &mut Db<'_>, id: Option<&AgentId>) -> Result<Vec<Result<RegisteredAgent>>> {
    let id = id.map(AgentId::as_str);
    let rows: Vec<sqlx::Result<Row>> = on_db!(db, conn => {
        sqlx::query(ALL).bind(id).fetch_all(conn).await.map(|rows| rows.iter().map(Row::from_row).collect())
    })?;
    Ok(rows.into_iter().map(|row| row.map_err(Error::from).and_then(Row::agent)).collect())
}

pub(super) async fn register(db: &mut Db<'_>, definition: &AgentDefinition, now: Timestamp) -> Result<()> {
    let json = |source| Error::new(ErrorKind::Internal, "a definition cannot be written as JSON").with_source(source);
    let statement = match db {
        Db::Sqlite(_) => REGISTER_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => REGISTER_POSTGRES,
    };
    let capabilities = serde_json::to_string(&definition.capabilities).map_err(json)?;
    let whole = serde_json::to_string(definition).map_err(json)?;
    on_db!(db, conn => {
        sqlx::query(statement)
            .bind(definition.agent_id.as_str())
            .bind(&definition.name)
            .bind(definition.entry_point.as_ref().map(ToString::to_string))
            .bind(capabilities)
            .bind(definition.health_url.as_ref().map(ToString::to_string))
            .bind(Stamp(now))
            .bind(whole)
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Removes the agent and its circuit; says whether it was there.
pub(super) async fn remove(db: &mut Db<'_>, id: &AgentId) -> Result<bool> {
    on_db!(&mut *db, conn => sqlx::query(REMOVE_CIRCUIT).bind(id.as_str()).execute(conn).await.map(drop))?;
    Ok(on_db!(db, conn => sqlx::query(REMOVE).bind(id.as_str()).execute(conn).await.map(|done| done.rows_affected() > 0))?)
}

/// Writes down whether it should run; says whether it was there.
pub(in crate::supervisor) async fn want(db: &mut Db<'_>, id: &AgentId, wanted: Wanted, now: Timestamp) -> Result<bool> {
    let done = on_db!(db, conn => {
        sqlx::query(WANT).bind(id.as_str()).bind(wanted.as_str()).bind(Stamp(now)).execute(conn).await
            .map(|done| done.rows_affected() > 0)
    })?;
    Ok(done)
}

pub(in crate::supervisor) async fn set_status(db: &mut Db<'_>, id: &AgentId, status: AgentStatus, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(STATUS).bind(id.as_str()).bind(status.as_str()).bind(Stamp(now)).execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// Writes down which process an agent has.
pub(in crate::supervisor) async fn note_process(db: &mut Db<'_>, id: &AgentId, process: Option<&ProcessNote>) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(PROCESS)
            .bind(id.as_str())
            .bind(process.map(|process| process.pid))
            .bind(process.map(|process| process.incarnation.as_str()))
            .bind(process.map(|process| process.boot.as_str()))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Takes another program's signal to restart; says whether it was set.
pub(super) async fn take_signal(db: &mut Db<'_>, id: &AgentId) -> Result<bool> {
    Ok(on_db!(db, conn => sqlx::query(TAKE_SIGNAL).bind(id.as_str()).execute(conn).await.map(|done| done.rows_affected() > 0))?)
}

/// Makes `me` the supervisor of an agent that nobody has, or that `lapsed` had; says whether it is.
pub(in crate::supervisor) async fn claim(db: &mut Db<'_>, id: &AgentId, me: &str, lapsed: Option<&str>) -> Result<bool> {
    let done = on_db!(db, conn => {
        sqlx::query(CLAIM).bind(id.as_str()).bind(me).bind(lapsed).execute(conn).await.map(|done| done.rows_affected() > 0)
    })?;
    Ok(done)
}

pub(in crate::supervisor) async fn release(db: &mut Db<'_>, id: &AgentId, me: &str) -> Result<()> {
    on_db!(db, conn => sqlx::query(RELEASE).bind(id.as_str()).bind(me).execute(conn).await.map(drop))?;
    Ok(())
}

type CircuitRow = (String, String, i64, Option<Stamp>, Option<Stamp>, Option<Stamp>, i64, Option<String>);

/// Every circuit, or that of one agent. One whose state is no word of ours is closed: other programs may have made the row.
pub(super) async fn circuits(db: &mut Db<'_>, id: Option<&AgentId>) -> Result<Vec<(String, StoredCircuit)>> {
    let id = id.map(AgentId::as_str);
    let rows: Vec<CircuitRow> = on_db!(db, conn => sqlx::query_as(CIRCUITS).bind(id).fetch_all(conn).await)?;
    let circuit = |(agent, state, failures, failed, tripped, next, rests, recent): CircuitRow| {
        let recent: Option<Vec<Timestamp>> = recent.and_then(|json| serde_json::from_str(&json).ok());
        let state = match state.as_str() {
            "OPEN" => CircuitState::Open,
            "HALF_OPEN" => CircuitState::HalfOpen,
            _ => CircuitState::Closed,
        };
        let stored = StoredCircuit {
            state,
            failures: u32::try_from(failures).unwrap_or_default(),
            last_failure_at: failed.map(Timestamp::from),
            tripped_at: tripped.map(Timestamp::from),
            next_try_at: next.map(Timestamp::from),
            rests: u32::try_from(rests).unwrap_or_default(),
            recent: recent.unwrap_or_default(),
        };
        (agent, stored)
    };
    Ok(rows.into_iter().map(circuit).collect())
}

pub(in crate::supervisor) async fn save_circuit(db: &mut Db<'_>, id: &AgentId, circuit: &StoredCircuit) -> Result<()> {
    let recent = serde_json::to_string(&circuit.recent)
        .map_err(|source| Error::new(ErrorKind::Internal, "times cannot be written as JSON").with_source(source))?;
    on_db!(db, conn => {
        sqlx::query(SAVE_CIRCUIT)
            .bind(id.as_str())
            .bind(circuit.word())
            .bind(i64::from(circuit.failures))
            .bind(circuit.last_failure_at.map(Stamp))
            .bind(circuit.tripped_at.map(Stamp))
            .bind(circuit.next_try_at.map(Stamp))
            .bind(i64::from(circuit.rests))
            .bind(recent)
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(in crate::supervisor) async fn insert_health(db: &mut Db<'_>, record: &HealthRecord) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(HEALTH)
            .bind(&record.agent_id)
            .bind(record.health_score)
            .bind(record.response_ms)
            .bind(&record.error)
            .bind(Stamp(record.checked_at))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

pub(super) async fn health_of(db: &mut Db<'_>, id: &AgentId, limit: u16) -> Result<Vec<HealthRecord>> {
    let rows: Vec<HealthRow> =
        on_db!(db, conn => sqlx::query_as(HEALTH_OF).bind(id.as_str()).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(HealthRecord::from).collect())
}

/// A start that followed an end.
#[derive(Debug, Clone)]
pub(in crate::supervisor) struct RestartNote {
    pub(in crate::supervisor) agent: AgentId,
    pub(in crate::supervisor) reason: &'static str,
    pub(in crate::supervisor) detail: String,
    pub(in crate::supervisor) pid_before: Option<i64>,
    pub(in crate::supervisor) pid_after: Option<i64>,
    pub(in crate::supervisor) at: Timestamp,
}

pub(in crate::supervisor) async fn insert_restart(db: &mut Db<'_>, note: &RestartNote) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(RESTART)
            .bind(note.agent.as_str())
            .bind(note.reason)
            .bind(note.pid_before)
            .bind(note.pid_after)
            .bind(Stamp(note.at))
            .bind(&note.detail)
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Writes down whether a start brought the agent back, and after how many milliseconds.
pub(in crate::supervisor) async fn settle_restart(
    db: &mut Db<'_>,
    id: &AgentId,
    at: Timestamp,
    success: bool,
    after_ms: Option<i64>,
) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(SETTLE_RESTART).bind(id.as_str()).bind(Stamp(at)).bind(success).bind(after_ms).execute(conn).await.map(drop)
    })?;
    Ok(())
}

pub(super) async fn restarts_of(db: &mut Db<'_>, id: &AgentId, limit: u16) -> Result<Vec<RestartRecord>> {
    let rows: Vec<RestartRow> =
        on_db!(db, conn => sqlx::query_as(RESTARTS_OF).bind(id.as_str()).bind(i64::from(limit)).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(RestartRecord::from).collect())
}

pub(super) async fn count_restarts(db: &mut Db<'_>, id: &AgentId) -> Result<i64> {
    Ok(on_db!(db, conn => sqlx::query_scalar(COUNT_RESTARTS).bind(id.as_str()).fetch_one(conn).await)?)
}

pub(super) async fn prune_health(db: &mut Db<'_>, before: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => sqlx::query(PRUNE_HEALTH).bind(Stamp(before)).execute(conn).await.map(|done| done.rows_affected()))?)
}
