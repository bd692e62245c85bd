//! The life of one agent as data that requests, ends and time move.

use std::time::Duration;

use super::{LifecycleConfig, Phase, Wanted};
use crate::supervisor::agent::{AgentDefinition, AgentStatus, RestartPolicy};
use crate::supervisor::circuit::{AgentCircuit, Start};
use crate::supervisor::diagnosis::{Reason, Recovery, recovery};

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever carries it out has to do each of them")]
pub enum Order {
    /// Make its process; say [`Lifecycle::started`] or [`Lifecycle::ended`] of what comes of it.
    Spawn,
    /// Ask its process to end, for this reason; say [`Lifecycle::ended`] when it has.
    Stop(Reason),
    /// Its start is proven good, this long after it was made.
    Verified(Duration),
    /// Its start turned out bad.
    NotVerified,
}

/// The life of one agent. Times are of one monotonic clock; `random` is a number from 0 to 1.
///
/// ```
/// use everreach_core::supervisor::{AgentDefinition, AgentStatus, Lifecycle, LifecycleConfig, Order, Reason};
/// use std::time::Duration;
/// let definition = AgentDefinition::new("a".parse()?, "a.py".parse()?);
/// let (config, at) = (LifecycleConfig::default(), Duration::from_secs);
/// let mut agent = Lifecycle::new(&definition);
/// agent.want_running(at(0));
/// assert!(agent.is_due(at(0)));
/// assert_eq!(agent.begin(at(0), &config), Some(Order::Spawn));
/// agent.started(at(0));
/// assert_eq!(agent.status(at(1)), AgentStatus::Running);
/// agent.ended(Reason::ExitCode, at(60), 1.0, &config);
/// assert_eq!(agent.status(at(60)), AgentStatus::Backoff);
/// assert!(!agent.is_due(at(60)) && agent.is_due(at(61)));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lifecycle {
    policy: RestartPolicy,
    start_timeout: Duration,
    has_probe: bool,
    wanted: Wanted,
    phase: Phase,
    circuit: AgentCircuit,
    /// The start that is not proven yet: when it was made, and good probes in a row since.
    unproven: Option<(Duration, u32)>,
}

impl Lifecycle {
    /// One that nobody asked for yet.
    #[must_use]
    pub const fn new(definition: &AgentDefinition) -> Self {
        Self {
            policy: definition.restart_policy,
            start_timeout: definition.start_timeout(),
            has_probe: definition.health_url.is_some(),
            wanted: Wanted::Stopped,
            phase: Phase::Idle { status: AgentStatus::Registered },
            circuit: AgentCircuit::closed(),
            unproven: None,
        }
    }

    /// With the circuit that an earlier supervisor left.
    #[must_use]
    pub fn with_circuit(mut self, circuit: AgentCircuit) -> Self {
        self.circuit = circuit;
        self
    }

    /// From now on it is defined like this. What runs goes on.
    pub const fn redefine(&mut self, definition: &AgentDefinition) {
        self.policy = definition.restart_policy;
        self.start_timeout = definition.start_timeout();
        self.has_probe = definition.health_url.is_some();
    }

    /// Where it is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What somebody wants of it.
    #[must_use]
    pub const fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Its circuit.
    #[must_use]
    pub const fn circuit(&self) -> &AgentCircuit {
        &self.circuit
    }

    /// Its circuit, to record by hand or to reset; see [`Lifecycle::circuit_reset`].
    pub const fn circuit_mut(&mut self) -> &mut AgentCircuit {
        &mut self.circuit
    }

    /// Whether its last start is not proven good yet.
    #[must_use]
    pub const fn is_unproven(&self) -> bool {
        self.unproven.is_some()
    }

    /// How it stands, in one word.
    #[must_use]
    pub fn status(&self, now: Duration) -> AgentStatus {
        match self.phase {
            Phase::Idle { status } => status,
            Phase::Waiting { .. } => match self.circuit.may_start(now) {
                Start::NotBefore(_) | Start::Trial => AgentStatus::Open,
                Start::Never => AgentStatus::Failed,
                Start::Freely if self.circuit.failures() == 0 => AgentStatus::Starting,
                Start::Freely => AgentStatus::Backoff,
            },
            Phase::Held => AgentStatus::Held,
            Phase::Starting { .. } => AgentStatus::Starting,
            Phase::Running { ready_since: Some(_) } => AgentStatus::Running,
            Phase::Running { ready_since: None } => AgentStatus::Degraded,
            Phase::Stopping { .. } => AgentStatus::Stopping,
        }
    }

    /// Somebody wants it to run. A wait after a failure ends with that; one whose circuit rests is started when the rest is over, or when
    /// the circuit is reset.
    pub fn want_running(&mut self, now: Duration) {
        self.wanted = Wanted::Running;
        match &mut self.phase {
            Phase::Idle { .. } | Phase::Held => self.phase = Phase::Waiting { until: now },
            Phase::Waiting { until } => *until = now,
            Phase::Stopping { again, .. } => *again = true,
            Phase::Starting { .. } | Phase::Running { .. } => {}
        }
    }

    /// Somebody wants it to end. A start that waits is cancelled.
    pub fn want_stopped(&mut self) -> Option<Order> {
        self.wanted = Wanted::Stopped;
        self.unproven = None;
        match &mut self.phase {
            Phase::Idle { .. } | Phase::Waiting { .. } | Phase::Held => {
                self.phase = Phase::Idle { status: AgentStatus::Stopped };
                None
            }
            Phase::Starting { .. } | Phase::Running { .. } => self.stop(Reason::Requested, false),
            Phase::Stopping { again, .. } => {
                *again = false;
                None
            }
        }
    }

    /// It is to end and to be started again, for this reason; one that does not run is started.
    pub fn restart(&mut self, reason: Reason, now: Duration) -> Option<Order> {
        self.wanted = Wanted::Running;
        match self.phase {
            Phase::Starting { .. } | Phase::Running { .. } => self.stop(reason, true),
            _ => {
                self.want_running(now);
                None
            }
        }
    }

    /// Whether it is to be started now, as far as it depends on the agent alone.
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        matches!(self.phase, Phase::Waiting { until } if now >= until)
            && matches!(self.circuit.may_start(now), Start::Freely | Start::Trial)
    }

    /// When something happens by itself, at the earliest; nothing when only a message moves it.
    #[must_use]
    pub fn next_look(&self, now: Duration, config: &LifecycleConfig) -> Option<Duration> {
        match self.phase {
            Phase::Waiting { until } => match self.circuit.may_start(now) {
                Start::Freely | Start::Trial => Some(until),
                Start::NotBefore(at) => Some(at.max(until)),
                Start::Never => None,
            },
            Phase::Starting { since, .. } => {
                let deadline = since + self.start_timeout;
                Some(self.circuit.trial_ends().map_or(deadline, |trial| trial.min(deadline)))
            }
            Phase::Running { ready_since } => {
                let proof = self.unproven.map(|(since, _)| since + self.proof_takes(config));
                let stable = ready_since.filter(|_| self.circuit.remembers()).map(|since| since + config.circuit.stable_for);
                [proof, stable, self.circuit.trial_ends()].into_iter().flatten().min()
            }
            Phase::Idle { .. } | Phase::Held | Phase::Stopping { .. } => None,
        }
    }

    /// It is its turn: its process is to be made. Nothing unless it [`is_due`](Self::is_due).
    pub fn begin(&mut self, now: Duration, config: &LifecycleConfig) -> Option<Order> {
        if !self.is_due(now) {
            return None;
        }
        let proof = if self.has_probe { config.verify_for } else { config.trial_for };
        self.circuit.started(now, self.start_timeout + proof + Duration::from_secs(1));
        self.phase = Phase::Starting { since: now, has_process: false };
        self.unproven = Some((now, 0));
        Some(Order::Spawn)
    }

    /// Something that it shares with others keeps it from being started; it waits until [`Lifecycle::release`].
    pub const fn hold(&mut self) {
        if matches!(self.phase, Phase::Waiting { .. }) {
            self.phase = Phase::Held;
        }
    }

    /// What held it has passed.
    pub const fn release(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Held) {
            self.phase = Phase::Waiting { until: now };
        }
    }

    /// Whoever looks after it was away for so long, and could not see it get ready: its deadlines move by that.
    pub fn forgive(&mut self, away: Duration) {
        if let Phase::Starting { since, .. } = &mut self.phase {
            *since += away;
        }
        if let Some((since, _)) = &mut self.unproven {
            *since += away;
        }
        self.circuit.forgive(away);
    }

    /// It may not be started at this moment after all: it waits until then, and nothing is held against it.
    pub const fn postpone(&mut self, until: Duration) {
        if matches!(self.phase, Phase::Starting { has_process: false, .. }) {
            self.phase = Phase::Waiting { until };
            self.unproven = None;
            self.circuit.postpone(until);
        }
    }

    /// Its process is there. Without anything to ask it is ready with that.
    pub const fn started(&mut self, now: Duration) {
        if let Phase::Starting { since, .. } = self.phase {
            self.phase = if self.has_probe {
                Phase::Starting { since, has_process: true }
            } else {
                Phase::Running { ready_since: Some(now) }
            };
        }
    }

    /// Its process runs since before this supervisor. It is taken to be ready until its health says otherwise.
    pub const fn adopted(&mut self, now: Duration) {
        self.wanted = Wanted::Running;
        self.phase = Phase::Running { ready_since: Some(now) };
    }

    /// A probe was good.
    pub fn probed_well(&mut self, now: Duration, config: &LifecycleConfig) -> Option<Order> {
        let (since, good) = self.unproven?;
        self.unproven = Some((since, good + 1));
        (good + 1 >= config.verify_probes).then(|| self.proven(since, now))
    }

    /// A probe was bad.
    pub const fn probed_badly(&mut self) {
        if let Some((since, _)) = self.unproven {
            self.unproven = Some((since, 0));
        }
    }

    /// Its health is good from now on.
    pub const fn ready(&mut self, now: Duration) {
        match self.phase {
            Phase::Starting { has_process: true, .. } | Phase::Running { ready_since: None } => {
                self.phase = Phase::Running { ready_since: Some(now) };
            }
            _ => {}
        }
    }

    /// Its health is bad from now on. That alone ends nothing.
    pub const fn unready(&mut self) {
        if matches!(self.phase, Phase::Running { .. }) {
            self.phase = Phase::Running { ready_since: None };
        }
    }

    /// Its process ended, or could not be made.
    pub fn ended(&mut self, reason: Reason, now: Duration, random: f64, config: &LifecycleConfig) -> Option<Order> {
        let was_unproven = self.unproven.take().is_some();
        let (reason, again) = match self.phase {
            Phase::Stopping { reason, again } => (reason, again),
            Phase::Starting { .. } | Phase::Running { .. } => (reason, self.wanted == Wanted::Running),
            _ => return None,
        };
        let next = match recovery(reason, self.policy) {
            // Whoever asked for the end may have asked for a new start since.
            Recovery::Stay if reason == Reason::Requested && again => Recovery::StartAgain,
            next => next,
        };
        if !again {
            self.phase = Phase::Idle { status: AgentStatus::Stopped };
            return None;
        }
        self.phase = match next {
            Recovery::Stay => Phase::Idle { status: AgentStatus::Stopped },
            Recovery::GiveUp => Phase::Idle { status: AgentStatus::Failed },
            Recovery::StartAgain => Phase::Waiting { until: now + config.backoff.base.mul_f64(0.5 + 0.5 * random) },
            Recovery::Hold => Phase::Held,
            Recovery::Rest => {
                self.circuit.trip(now, random, &config.circuit);
                Phase::Waiting { until: now }
            }
            Recovery::Restart => {
                self.circuit.failed(now, random, &config.circuit);
                Phase::Waiting { until: now + config.backoff.delay(self.circuit.failures(), random) }
            }
        };
        (was_unproven && next != Recovery::StartAgain).then_some(Order::NotVerified)
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Duration, random: f64, config: &LifecycleConfig) -> Vec<Order> {
        let mut orders = Vec::new();
        match self.phase {
            Phase::Starting { since, has_process: true } if now.saturating_sub(since) >= self.start_timeout => {
                orders.extend(self.stop(Reason::StartTimeout, true));
            }
            Phase::Running { ready_since } => {
                if let Some((since, _)) = self.unproven.filter(|_| !self.has_probe)
                    && now.saturating_sub(since) >= self.proof_takes(config)
                {
                    orders.push(self.proven(since, now));
                }
                if ready_since.is_some_and(|since| now.saturating_sub(since) >= config.circuit.stable_for) {
                    self.circuit.stable();
                }
                if self.circuit.trial_ends().is_some_and(|end| now >= end) {
                    orders.extend(self.stop(Reason::StartTimeout, true));
                }
            }
            // A trial that never got its process.
            Phase::Waiting { .. } => {
                self.circuit.tick(now, random, &config.circuit);
            }
            _ => {}
        }
        orders
    }

    /// A person says that all is well. One that rested is started at once.
    pub fn circuit_reset(&mut self, now: Duration) {
        self.circuit.reset();
        let is_given_up = matches!(self.phase, Phase::Idle { status: AgentStatus::Failed });
        if self.wanted == Wanted::Running && (is_given_up || matches!(self.phase, Phase::Waiting { .. })) {
            self.phase = Phase::Waiting { until: now };
        }
    }

    const fn stop(&mut self, reason: Reason, again: bool) -> Option<Order> {
        self.phase = Phase::Stopping { reason, again };
        Some(Order::Stop(reason))
    }

    fn proven(&mut self, since: Duration, now: Duration) -> Order {
        self.unproven = None;
        if self.circuit.trial_ends().is_some() {
            self.circuit.succeeded();
        }
        Order::Verified(now.saturating_sub(since))
    }

    /// How long one without a health URL has to live until its start is proven.
    const fn proof_takes(&self, config: &LifecycleConfig) -> Duration {
        if self.circuit.trial_ends().is_some() { config.trial_for } else { config.verify_for }
    }
}
