//! The circuit as data and functions of `now`.

use std::collections::VecDeque;
use std::time::Duration;

use super::AgentCircuitConfig;
use crate::breaker::CircuitState;

/// The circuit of one agent. `now` is monotonic time, `random` a number from 0 to 1.
///
/// ```
/// use everreach_core::breaker::CircuitState;
/// use everreach_core::supervisor::{AgentCircuit, AgentCircuitConfig, Start};
/// use std::time::Duration;
/// let (config, at) = (AgentCircuitConfig::default(), Duration::from_secs);
/// let mut circuit = AgentCircuit::default();
/// for second in 1..=5 {
///     circuit.failed(at(second), 0.5, &config);
/// }
/// assert_eq!(circuit.state(at(5)), CircuitState::Open);
/// assert_eq!(circuit.may_start(at(5)), Start::NotBefore(at(305)));
/// assert_eq!(circuit.may_start(at(305)), Start::Trial);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentCircuit {
    pub(super) phase: Phase,
    /// Failures in a row.
    pub(super) failures: u32,
    /// Rests in a row; they go on counting until the agent was stable.
    pub(super) rests: u32,
    /// When it failed lately, oldest first.
    pub(super) recent: VecDeque<Duration>,
    pub(super) tripped_at: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Closed,
    Resting {
        until: Duration,
    },
    Trial {
        until: Duration,
    },
    /// Only a person starts it again.
    Exhausted,
}

/// Whether an agent may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever starts has to answer each of them")]
pub enum Start {
    /// It may.
    Freely,
    /// It may, once, on trial.
    Trial,
    /// Not before this time.
    NotBefore(Duration),
    /// Not until a person resets the circuit.
    Never,
}

impl AgentCircuit {
    /// One that nothing is held against.
    #[must_use]
    pub const fn closed() -> Self {
        Self { phase: Phase::Closed, failures: 0, rests: 0, recent: VecDeque::new(), tripped_at: None }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Duration) -> CircuitState {
        match self.phase {
            Phase::Closed => CircuitState::Closed,
            Phase::Resting { until } if now < until => CircuitState::Open,
            Phase::Resting { .. } | Phase::Trial { .. } => CircuitState::HalfOpen,
            Phase::Exhausted => CircuitState::Open,
        }
    }

    /// Failures in a row.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether [`AgentCircuit::stable`] would forget anything.
    #[must_use]
    pub const fn remembers(&self) -> bool {
        self.failures > 0 || self.rests > 0
    }

    /// Whether only a person starts it again.
    #[must_use]
    pub const fn is_exhausted(&self) -> bool {
        matches!(self.phase, Phase::Exhausted)
    }

    /// When the next trial is, while it rests.
    #[must_use]
    pub const fn next_trial(&self) -> Option<Duration> {
        match self.phase {
            Phase::Resting { until } => Some(until),
            _ => None,
        }
    }

    /// When the trial that is on has failed, unless a verdict comes before.
    #[must_use]
    pub const fn trial_ends(&self) -> Option<Duration> {
        match self.phase {
            Phase::Trial { until } => Some(until),
            _ => None,
        }
    }

    /// Whether a start may be made now.
    #[must_use]
    pub fn may_start(&self, now: Duration) -> Start {
        match self.phase {
            Phase::Closed => Start::Freely,
            Phase::Resting { until } if now >= until => Start::Trial,
            Phase::Resting { until } | Phase::Trial { until } => Start::NotBefore(until),
            Phase::Exhausted => Start::Never,
        }
    }

    /// A start is made that [`AgentCircuit::may_start`] allowed. One on trial has `trial_for` to prove itself.
    pub fn started(&mut self, now: Duration, trial_for: Duration) {
        if self.may_start(now) == Start::Trial {
            self.phase = Phase::Trial { until: now.saturating_add(trial_for) };
        }
    }

    /// Whoever waits for the verdict was away for so long: the trial lasts longer by that.
    pub fn forgive(&mut self, away: Duration) {
        if let Phase::Trial { until } = &mut self.phase {
            *until += away;
        }
    }

    /// The trial was not made after all: it is made then, or later.
    pub const fn postpone(&mut self, until: Duration) {
        if matches!(self.phase, Phase::Trial { .. }) {
            self.phase = Phase::Resting { until };
        }
    }

    /// It failed: the fifth time in a row, the ninth in an hour, or on trial, it opens.
    pub fn failed(&mut self, now: Duration, random: f64, config: &AgentCircuitConfig) {
        self.note_failure(now, config);
        let is_too_often = self.failures >= config.threshold || self.recent.len() > config.rate;
        match self.phase {
            Phase::Closed if is_too_often => self.open(now, random, config),
            Phase::Trial { .. } => self.open(now, random, config),
            Phase::Closed | Phase::Resting { .. } | Phase::Exhausted => {}
        }
    }

    /// It failed in a way that no fast repeat mends: it opens at once.
    pub fn trip(&mut self, now: Duration, random: f64, config: &AgentCircuitConfig) {
        self.note_failure(now, config);
        if matches!(self.phase, Phase::Closed | Phase::Trial { .. }) {
            self.open(now, random, config);
        }
    }

    /// It proved itself: it closes. How long the next rest is, is only forgotten by [`AgentCircuit::stable`].
    pub fn succeeded(&mut self) {
        if self.phase != Phase::Closed {
            // What was before the trial must not open it again by its sheer number.
            self.recent.clear();
        }
        self.phase = Phase::Closed;
        self.failures = 0;
        self.tripped_at = None;
    }

    /// It has been well for so long that nothing in a row is left. Failures of the last hour still count against its rate.
    pub const fn stable(&mut self) {
        if matches!(self.phase, Phase::Closed) {
            self.failures = 0;
            self.rests = 0;
        }
    }

    /// Lets time pass: a trial without a verdict has failed. Says whether that was so.
    pub fn tick(&mut self, now: Duration, random: f64, config: &AgentCircuitConfig) -> bool {
        let is_over = matches!(self.phase, Phase::Trial { until } if now >= until);
        if is_over {
            self.failed(now, random, config);
        }
        is_over
    }

    /// A person says that all is well: nothing is held against it.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn note_failure(&mut self, now: Duration, config: &AgentCircuitConfig) {
        self.failures = self.failures.saturating_add(1);
        let is_old = |at: &Duration| now.saturating_sub(*at) >= config.rate_window;
        while self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
        // More than what opens it need not be remembered.
        if self.recent.len() > config.rate {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    fn open(&mut self, now: Duration, random: f64, config: &AgentCircuitConfig) {
        if self.rests >= config.most_rests {
            self.phase = Phase::Exhausted;
        } else {
            self.phase = Phase::Resting { until: now.saturating_add(config.rest(self.rests, random)) };
        }
        self.rests = self.rests.saturating_add(1);
        self.tripped_at = Some(now);
    }
}
