//! One agent, as its supervisor has it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::view::{AgentView, CircuitView, HealthView, LastExit};
use crate::breaker::CircuitState;
use crate::supervisor::agent::{AgentDefinition, AgentStatus};
use crate::supervisor::circuit::AgentCircuit;
use crate::supervisor::diagnosis::{Diagnosis, MemoryReading, Reason};
use crate::supervisor::health::{Band, HealthConfig, HealthResult, Score, Standing, Vitals};
use crate::supervisor::launcher::{AgentProcess, Incarnation, Stopped};
use crate::supervisor::lifecycle::{Lifecycle, Phase, Wanted};
use crate::supervisor::routing::Candidate;
use crate::{Result, Timestamp};

/// Why an agent is started again.
#[derive(Debug, Clone)]
pub(super) struct RestartCause {
    pub(super) diagnosis: Diagnosis,
    /// The process that ended, if there was one.
    pub(super) pid: Option<i64>,
}

/// One agent, as its supervisor has it.
pub(super) struct Agent {
    pub(super) definition: AgentDefinition,
    pub(super) life: Lifecycle,
    pub(super) vitals: Vitals,
    pub(super) process: Option<Arc<dyn AgentProcess>>,
    /// The run that is being started or runs.
    pub(super) incarnation: Option<Incarnation>,
    /// Why it is being ended from here.
    pub(super) ordered: Option<Reason>,
    /// When its process began.
    pub(super) began: Option<Duration>,
    pub(super) memory: MemoryReading,
    pub(super) memory_now: Option<u64>,
    pub(super) last_exit: Option<LastExit>,
    /// Why its next start is one that follows an end.
    pub(super) restart_cause: Option<RestartCause>,
    /// The moment of a restart of which nobody knows yet whether it was good.
    pub(super) unsettled: Option<Timestamp>,
    pub(super) restarts: u64,
    pub(super) next_probe: Duration,
    pub(super) is_probing: bool,
    pub(super) last_result: Option<HealthResult>,
    pub(super) in_flight: u32,
    pub(super) next_history: Duration,
    /// What was last written down.
    pub(super) shown: Option<(AgentStatus, CircuitState, u32)>,
    /// What the registry last said.
    pub(super) wanted_there: Wanted,
    /// When somebody here last said what is wanted.
    pub(super) changed_at: Duration,
    /// It is not registered any more, and goes once its process has.
    pub(super) is_leaving: bool,
    pub(super) await_start: Vec<oneshot::Sender<Result<()>>>,
    pub(super) await_end: Vec<oneshot::Sender<Stopped>>,
}

impl Agent {
    pub(super) fn new(definition: AgentDefinition, circuit: Option<AgentCircuit>, wanted_there: Wanted, now: Duration) -> Self {
        let life = Lifecycle::new(&definition);
        let mut vitals = Vitals::default();
        if definition.is_observed() {
            vitals.observed(now);
        }
        Self {
            life: circuit.into_iter().fold(life, Lifecycle::with_circuit),
            definition,
            vitals,
            process: None,
            incarnation: None,
            ordered: None,
            began: None,
            memory: MemoryReading::default(),
            memory_now: None,
            last_exit: None,
            restart_cause: None,
            unsettled: None,
            restarts: 0,
            next_probe: now,
            is_probing: false,
            last_result: None,
            in_flight: 0,
            next_history: now,
            shown: None,
            wanted_there,
            changed_at: Duration::ZERO,
            is_leaving: false,
            await_start: Vec::new(),
            await_end: Vec::new(),
        }
    }

    pub(super) fn status(&self, now: Duration) -> AgentStatus {
        if self.definition.is_observed() { AgentStatus::Observed } else { self.life.status(now) }
    }

    pub(super) fn pid(&self) -> Option<i32> {
        self.process.as_ref().and_then(|process| process.record().identity.as_ref()).map(|identity| identity.pid)
    }

    /// Whether it can be asked how it is.
    pub(super) const fn is_probed(&self) -> bool {
        let lives = matches!(self.life.phase(), Phase::Starting { has_process: true, .. } | Phase::Running { .. });
        self.definition.health_url.is_some() && (lives || self.definition.is_observed())
    }

    /// Whether its start is not proven yet, so that it is asked more often.
    pub(super) const fn is_coming_up(&self) -> bool {
        self.life.is_unproven()
    }

    pub(super) fn score(&mut self, now: Duration, config: &HealthConfig) -> (Score, Option<Band>) {
        let is_open = self.life.circuit().state(now) != CircuitState::Closed;
        let lives = self.definition.is_observed() || self.process.is_some();
        let standing = match (lives, is_open) {
            (true, false) => Standing::Up,
            (true, true) => Standing::OnTrial,
            (false, false) => Standing::Down,
            (false, true) => Standing::DownAndOpen,
        };
        self.vitals.score(standing, now, config)
    }

    pub(super) fn circuit(&self, now: Duration, wall: Timestamp) -> CircuitView {
        let stored = self.life.circuit().store(now, wall);
        CircuitView { state: stored.word(), failures: stored.failures, next_try_at: stored.next_try_at }
    }

    pub(super) fn view(&mut self, waits_for: Option<String>, now: Duration, wall: Timestamp, config: &HealthConfig) -> AgentView {
        let (score, band) = self.score(now, config);
        AgentView {
            agent_id: self.definition.agent_id.clone(),
            name: self.definition.name.clone(),
            status: self.status(now),
            wanted: self.life.wanted(),
            pid: self.pid(),
            incarnation: self.process.as_ref().map(|process| process.record().incarnation.to_string()),
            uptime_s: self
                .process
                .as_ref()
                .map(|process| (wall - process.record().started_at).num_seconds().max(0).unsigned_abs()),
            restarts: self.restarts,
            score: score.score,
            band,
            components: score.components,
            caps: score.caps,
            circuit: self.circuit(now, wall),
            capabilities: self.definition.capabilities.clone(),
            tags: self.definition.tags.clone(),
            entry_point: self.definition.entry_point.clone(),
            health_url: self.definition.health_url.clone(),
            last_exit: self.last_exit.clone(),
            waits_for,
            memory_bytes: self.memory_now,
            in_flight: self.in_flight,
        }
    }

    pub(super) fn health(&mut self, now: Duration, wall: Timestamp, config: &HealthConfig) -> HealthView {
        let (score, band) = self.score(now, config);
        HealthView {
            agent_id: self.definition.agent_id.clone(),
            status: self.status(now),
            score: score.score,
            band,
            components: score.components,
            caps: score.caps,
            circuit: self.circuit(now, wall),
            result: self.last_result.clone(),
            checked_at: wall,
        }
    }

    pub(super) fn candidate(&mut self, now: Duration, config: &HealthConfig) -> Candidate {
        let mut candidate = Candidate::new(self.definition.agent_id.clone(), self.definition.capabilities.iter().cloned());
        candidate.status = self.status(now);
        candidate.is_ready = self.vitals.is_ready();
        candidate.circuit = self.life.circuit().state(now);
        candidate.score = self.score(now, config).0.score;
        candidate.in_flight = self.in_flight;
        candidate.max_in_flight = self.definition.max_in_flight;
        candidate
    }
}
