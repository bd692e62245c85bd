//! An agent as people and programs see it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::Timestamp;
use crate::supervisor::agent::{AgentId, AgentStatus, Capability, EntryPoint, HealthUrl, Tag};
use crate::supervisor::diagnosis::Reason;
use crate::supervisor::health::{Band, Cap, Components, HealthResult};
use crate::supervisor::lifecycle::Wanted;

/// An agent as people and programs see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentView {
    /// Its id.
    pub agent_id: AgentId,
    /// What people call it.
    pub name: String,
    /// How it stands.
    pub status: AgentStatus,
    /// Whether it should run.
    pub wanted: Wanted,
    /// Its process.
    pub pid: Option<i32>,
    /// Its run.
    pub incarnation: Option<String>,
    /// How long it runs.
    pub uptime_s: Option<u64>,
    /// How often it was started again since this supervisor began.
    pub restarts: u64,
    /// Its score.
    pub score: Option<u8>,
    /// What its score means.
    pub band: Option<Band>,
    /// The parts of its score.
    pub components: Components,
    /// What holds its score down.
    pub caps: Vec<Cap>,
    /// Its circuit.
    pub circuit: CircuitView,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// By which words it is picked.
    pub tags: BTreeSet<Tag>,
    /// What is run.
    pub entry_point: Option<EntryPoint>,
    /// Where it is asked how it is.
    pub health_url: Option<HealthUrl>,
    /// How it last ended.
    pub last_exit: Option<LastExit>,
    /// What it waits for, when it waits.
    pub waits_for: Option<String>,
    /// Its memory at the last look, in bytes.
    pub memory_bytes: Option<u64>,
    /// Tasks that it works on.
    pub in_flight: u32,
}

/// A circuit as people and programs see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CircuitView {
    /// `CLOSED`, `OPEN` or `HALF_OPEN`.
    pub state: &'static str,
    /// Failures in a row.
    pub failures: u32,
    /// When the next trial is.
    pub next_try_at: Option<Timestamp>,
}

/// How an agent last ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastExit {
    /// Why.
    pub reason: Reason,
    /// What that was read from.
    pub detail: String,
    /// What a person can do about it.
    pub hint: Option<&'static str>,
    /// When.
    pub at: Timestamp,
}

/// The health of one agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HealthView {
    /// The agent.
    pub agent_id: AgentId,
    /// How it stands.
    pub status: AgentStatus,
    /// Its score.
    pub score: Option<u8>,
    /// What its score means.
    pub band: Option<Band>,
    /// The parts of its score.
    pub components: Components,
    /// What holds its score down.
    pub caps: Vec<Cap>,
    /// Its circuit.
    pub circuit: CircuitView,
    /// What the last look found; nothing when it has no health URL, or was not looked at yet.
    pub result: Option<HealthResult>,
    /// When that was put together.
    pub checked_at: Timestamp,
}
