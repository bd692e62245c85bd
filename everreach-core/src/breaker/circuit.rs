//! One circuit as data and functions of `now`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Retry};

/// When a circuit opens and for how long.
///
/// ```
/// use everreach_core::breaker::BreakerConfig;
/// assert_eq!(BreakerConfig::actions().threshold, 3);
/// assert_eq!(BreakerConfig::agents().open_for.as_secs(), 300);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BreakerConfig {
    /// How many failures in a row open it.
    pub threshold: u32,
    /// How long it rests before a trial.
    pub open_for: Duration,
    /// How long a trial may stay unheard of before another one is allowed.
    pub trial_timeout: Duration,
}

impl BreakerConfig {
    /// For actions: 3 failures, 60 s; a trial is given up after the 120 s that a call may take at most.
    #[must_use]
    pub const fn actions() -> Self {
        Self { threshold: 3, open_for: Duration::from_secs(60), trial_timeout: Duration::from_secs(120) }
    }

    /// For agents: 5 failures, 300 s.
    #[must_use]
    pub const fn agents() -> Self {
        Self { threshold: 5, open_for: Duration::from_secs(300), trial_timeout: Duration::from_secs(120) }
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self::actions()
    }
}

/// One circuit. `now` is a time on any scale that does not go back, always the same one for one circuit.
///
/// It can be stored and read back; a result that comes in for an earlier phase is then ignored, as it is in memory.
///
/// ```
/// use everreach_core::breaker::{BreakerConfig, Circuit, CircuitState};
/// use std::time::Duration;
/// let (config, now) = (BreakerConfig::actions(), Duration::from_secs(100));
/// let mut circuit = Circuit::new();
/// for _ in 0..3 {
///     let ticket = circuit.permit(now, &config).expect("closed");
///     circuit.failed(ticket, now, &config);
/// }
/// assert_eq!(circuit.state(now, &config), CircuitState::Open);
/// assert_eq!(circuit.permit(now, &config).expect_err("open").retry_after, Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circuit {
    phase: Phase,
    /// Grows with every change of phase and every trial, so that late results are recognised.
    generation: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Closed { failures: u32 },
    Resting { since: Duration },
    Trial { since: Duration },
    AwaitingTrial,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// How a circuit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// One trial may pass, or is on its way.
    HalfOpen,
}

/// The right to one try; bring it back with the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    generation: u64,
}

/// The circuit does not let a try pass now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitOpen {
    /// When asking again makes sense, at the earliest.
    pub retry_after: Duration,
}

impl From<CircuitOpen> for Error {
    fn from(open: CircuitOpen) -> Self {
        Self::new(ErrorKind::CircuitOpen, "it failed several times in a row and rests; try again later")
            .with("retry_after_s", open.retry_after.as_secs_f64().ceil())
            .with_retry(Retry::Later(open.retry_after))
    }
}

impl Circuit {
    /// A closed circuit.
    #[must_use]
    pub const fn new() -> Self {
        Self { phase: Phase::Closed { failures: 0 }, generation: 0 }
    }

    /// Asks for a try.
    ///
    /// # Errors
    /// [`CircuitOpen`] while it rests or another trial is on its way.
    pub fn permit(&mut self, now: Duration, config: &BreakerConfig) -> Result<Ticket, CircuitOpen> {
        let (since, wait) = match self.phase {
            Phase::Closed { .. } => return Ok(Ticket { generation: self.generation }),
            Phase::AwaitingTrial => return Ok(self.begin_trial(now)),
            Phase::Resting { since } => (since, config.open_for),
            Phase::Trial { since } => (since, config.trial_timeout),
        };
        match wait.saturating_sub(now.saturating_sub(since)) {
            Duration::ZERO => Ok(self.begin_trial(now)),
            retry_after => Err(CircuitOpen { retry_after }),
        }
    }

    /// The try went well: the circuit closes and forgets its failures.
    pub fn succeeded(&mut self, ticket: Ticket) {
        if ticket.generation != self.generation {
            return;
        }
        if !matches!(self.phase, Phase::Closed { .. }) {
            self.generation += 1;
        }
        self.phase = Phase::Closed { failures: 0 };
    }

    /// The try failed in a way that [`counts`]: enough of these in a row, or one failed trial, open the circuit.
    pub fn failed(&mut self, ticket: Ticket, now: Duration, config: &BreakerConfig) {
        if ticket.generation != self.generation {
            return;
        }
        let failures = match self.phase {
            Phase::Closed { failures } => failures.saturating_add(1),
            _ => config.threshold,
        };
        if failures < config.threshold {
            self.phase = Phase::Closed { failures };
        } else {
            self.phase = Phase::Resting { since: now };
            self.generation += 1;
        }
    }

    /// The try said nothing about the circuit (it was cancelled, or refused for its own faults): a trial's place is free again.
    pub fn abandoned(&mut self, ticket: Ticket) {
        if ticket.generation == self.generation && matches!(self.phase, Phase::Trial { .. }) {
            self.phase = Phase::AwaitingTrial;
            self.generation += 1;
        }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Duration, config: &BreakerConfig) -> CircuitState {
        match self.phase {
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::Resting { since } if now.saturating_sub(since) < config.open_for => CircuitState::Open,
            _ => CircuitState::HalfOpen,
        }
    }

    /// How many failures in a row a closed circuit has seen.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        match self.phase {
            Phase::Closed { failures } => failures,
            _ => 0,
        }
    }

    fn begin_trial(&mut self, now: Duration) -> Ticket {
        self.generation += 1;
        self.phase = Phase::Trial { since: now };
        Ticket { generation: self.generation }
    }
}

/// Whether a failure of this kind says that the thing itself is unwell.
///
/// What the caller did wrong, what we refused ourselves and a request to slow down do not count.
#[must_use]
pub const fn counts(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Timeout
            | ErrorKind::Unreachable
            | ErrorKind::OutcomeUnknown
            | ErrorKind::HandlerError
            | ErrorKind::Store
            | ErrorKind::StoreUnavailable
            | ErrorKind::Internal
    )
}

#[cfg(test)]
#[path = "circuit_tests.rs"]
mod tests;
