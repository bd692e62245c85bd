//! The circuit as a row keeps it: in wall-clock time, since monotonic time ends with the process.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::agent_circuit::Phase;
use super::{AgentCircuit, AgentCircuitConfig};
use crate::Timestamp;
use crate::breaker::CircuitState;

/// An agent's circuit as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredCircuit {
    /// How it stands.
    pub state: CircuitState,
    /// Failures in a row.
    pub failures: u32,
    /// When it last failed.
    pub last_failure_at: Option<Timestamp>,
    /// When it opened.
    pub tripped_at: Option<Timestamp>,
    /// When the next trial is; none while it is closed, and when only a person starts it again.
    pub next_try_at: Option<Timestamp>,
    /// Rests in a row.
    pub rests: u32,
    /// When it failed lately, oldest first.
    pub recent: Vec<Timestamp>,
}

impl StoredCircuit {
    /// Its state as the table has it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.state {
            CircuitState::Closed => "CLOSED",
            CircuitState::Open => "OPEN",
            CircuitState::HalfOpen => "HALF_OPEN",
        }
    }
}

impl AgentCircuit {
    /// As it is written down. `now` and `wall` are one moment on the two clocks.
    #[must_use]
    pub fn store(&self, now: Duration, wall: Timestamp) -> StoredCircuit {
        let at = |moment: Duration| match now.checked_sub(moment) {
            Some(ago) => wall - ago,
            None => wall + moment.saturating_sub(now),
        };
        let next = match self.phase {
            Phase::Resting { until } | Phase::Trial { until } => Some(until),
            Phase::Closed | Phase::Exhausted => None,
        };
        StoredCircuit {
            state: self.state(now),
            failures: self.failures,
            last_failure_at: self.recent.back().copied().map(at),
            tripped_at: self.tripped_at.map(at),
            next_try_at: next.map(at),
            rests: self.rests,
            recent: self.recent.iter().copied().map(at).collect(),
        }
    }

    /// As it was when it was written down. A clock that was set meanwhile neither lengthens a rest beyond its longest nor makes failures
    /// come from the future. A trial that was on is a rest that is over: nobody knows what became of it.
    #[must_use]
    pub fn restore(stored: &StoredCircuit, now: Duration, wall: Timestamp, config: &AgentCircuitConfig) -> Self {
        let back = |at: Timestamp| now.saturating_sub((wall - at).to_std().unwrap_or_default());
        let phase = match (stored.state, stored.next_try_at) {
            (CircuitState::Closed, _) => Phase::Closed,
            (CircuitState::HalfOpen, _) => Phase::Resting { until: now },
            (_, Some(next)) => {
                let longest = config.rest(u32::MAX, 1.0);
                let left = (next - wall).to_std().unwrap_or_default().min(longest);
                Phase::Resting { until: now.saturating_add(left) }
            }
            (_, None) => Phase::Exhausted,
        };
        Self {
            phase,
            failures: stored.failures,
            rests: stored.rests,
            recent: stored.recent.iter().copied().map(back).collect(),
            tripped_at: stored.tripped_at.map(back),
        }
    }
}
