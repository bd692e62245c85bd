//! The agents that could do a task.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::breaker::CircuitState;
use crate::supervisor::agent::{AgentId, AgentStatus, Capability};

/// What is known of an agent when a task is to be routed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Candidate {
    /// The agent.
    pub agent_id: AgentId,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// How it stands.
    pub status: AgentStatus,
    /// Whether its health is good.
    pub is_ready: bool,
    /// Its circuit.
    pub circuit: CircuitState,
    /// Its score.
    pub score: Option<u8>,
    /// Tasks that it works on.
    pub in_flight: u32,
    /// How many it takes at most.
    pub max_in_flight: u32,
}

impl Candidate {
    /// One that is ready and has nothing to do.
    #[must_use]
    pub fn new(agent_id: AgentId, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        Self {
            agent_id,
            capabilities: capabilities.into_iter().collect(),
            status: AgentStatus::Running,
            is_ready: true,
            circuit: CircuitState::Closed,
            score: None,
            in_flight: 0,
            max_in_flight: 100,
        }
    }

    /// Why it gets no task now; nothing when it may.
    #[must_use]
    pub const fn exclusion(&self) -> Option<Exclusion> {
        match (self.status, self.circuit) {
            (AgentStatus::Running | AgentStatus::Observed, CircuitState::Closed) => {}
            (_, CircuitState::Open) => return Some(Exclusion::CircuitOpen),
            (_, CircuitState::HalfOpen) => return Some(Exclusion::OnTrial),
            (AgentStatus::Degraded, _) => return Some(Exclusion::NotReady),
            (AgentStatus::Starting | AgentStatus::Backoff | AgentStatus::Held, _) => return Some(Exclusion::ComesUp),
            _ => return Some(Exclusion::NotRunning),
        }
        if !self.is_ready {
            Some(Exclusion::NotReady)
        } else if self.in_flight >= self.max_in_flight {
            Some(Exclusion::Busy)
        } else {
            None
        }
    }
}

/// Why an agent gets no task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Exclusion {
    /// It does not run.
    NotRunning,
    /// It is being started.
    ComesUp,
    /// Its health is bad.
    NotReady,
    /// Its circuit is open.
    CircuitOpen,
    /// It has to prove itself first.
    OnTrial,
    /// It works on as many tasks as it takes.
    Busy,
}

/// An agent that could do a task and does not get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Excluded {
    /// The agent.
    pub agent_id: AgentId,
    /// Why not.
    pub reason: Exclusion,
    /// How it stands.
    pub status: AgentStatus,
}
