//! What became of agents, row by row.

use serde::Serialize;

use crate::Timestamp;
use crate::store::Stamp;
use crate::supervisor::agent::AgentId;

/// One start that followed an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RestartRecord {
    /// The agent.
    pub agent_id: String,
    /// Why it had ended.
    pub reason: Option<String>,
    /// What that was read from.
    pub detail: Option<String>,
    /// Its process before.
    pub pid_before: Option<i64>,
    /// Its process after.
    pub pid_after: Option<i64>,
    /// Whether it was well again; none while that is not known.
    pub success: Option<bool>,
    /// How long it took from the start until that was proven.
    pub recovered_ms: Option<i64>,
    /// When it was started.
    pub restarted_at: Timestamp,
}

/// How an agent was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthRecord {
    /// The agent.
    pub agent_id: String,
    /// Its score; none while it started for the first time.
    pub health_score: Option<i64>,
    /// How long its last answer took.
    pub response_ms: Option<i64>,
    /// What was wrong.
    pub error: Option<String>,
    /// When that was.
    pub checked_at: Timestamp,
}

impl HealthRecord {
    pub(in crate::supervisor) fn new(
        id: &AgentId,
        score: Option<u8>,
        response_ms: Option<i64>,
        error: Option<String>,
        checked_at: Timestamp,
    ) -> Self {
        Self { agent_id: id.to_string(), health_score: score.map(i64::from), response_ms, error, checked_at }
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct RestartRow {
    agent_id: String,
    reason: Option<String>,
    everreach_detail: Option<String>,
    pid_before: Option<i64>,
    pid_after: Option<i64>,
    success: Option<bool>,
    everreach_recovered_ms: Option<i64>,
    restarted_at: Stamp,
}

impl From<RestartRow> for RestartRecord {
    fn from(row: RestartRow) -> Self {
        Self {
            agent_id: row.agent_id,
            reason: row.reason,
            detail: row.everreach_detail,
            pid_before: row.pid_before,
            pid_after: row.pid_after,
            success: row.success,
            recovered_ms: row.everreach_recovered_ms,
            restarted_at: row.restarted_at.into(),
        }
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct HealthRow {
    agent_id: String,
    health_score: Option<i64>,
    response_ms: Option<i64>,
    error: Option<String>,
    checked_at: Stamp,
}

impl From<HealthRow> for HealthRecord {
    fn from(row: HealthRow) -> Self {
        Self {
            agent_id: row.agent_id,
            health_score: row.health_score,
            response_ms: row.response_ms,
            error: row.error,
            checked_at: row.checked_at.into(),
        }
    }
}
