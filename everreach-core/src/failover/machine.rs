//! When the local side takes the cloud's work over, and when it gives it back.

use std::time::Duration;

use serde::Serialize;

use super::granting::Granting;
use super::{Connectivity, Edge, FailoverConfig, Notice, Reachability, Reading, TwoNodeMode};
use crate::{Error, ErrorKind, Result};

/// Where the local side is between watching and working.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// The cloud does the work.
    Standby,
    /// The cloud has failed, as far as can be seen from here; the right to take over is not there yet.
    Armed,
    /// This side does the work.
    Active,
    /// The cloud is back: nothing new is begun here, and what runs comes to its end.
    Draining,
}

impl Phase {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Armed => "armed",
            Self::Active => "active",
            Self::Draining => "draining",
        }
    }
}

/// What the database said about the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever takes it in has to answer each of them")]
pub enum LeaseAnswer {
    /// It is ours.
    Held,
    /// Somebody else has it, and renews it.
    ByOther,
    /// It was ours; its time is over, or somebody else has it now.
    Lost,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever carries it out has to do each of them")]
pub enum Order {
    /// Ask for the lease, and say what came of it.
    AskForLease,
    /// Act as leader from now on.
    Lead,
    /// Begin nothing new; say when what runs has ended.
    Drain,
    /// Follow, and give the lease back if there is one, with the last slot of each job as its note.
    HandBack,
    /// Follow; there is nothing to give back.
    Follow,
    /// Record it, and tell people where it is for them.
    Tell(Notice),
}

/// The local side's failover, as data that readings, answers and time move. All times are of one monotonic clock.
///
/// # Law
/// It acts only with the right to: the lease in the shared database, a person's word, or the end of every grant it gave. Not seeing the
/// cloud is never enough, except where two at once were chosen by setting.
///
/// ```
/// use everreach_core::failover::{Failover, FailoverConfig, LeaseAnswer, Order, Phase, ProbeFailure, Reading, TwoNodeMode};
/// use std::time::Duration;
/// let mut failover = Failover::new(FailoverConfig::fast(), TwoNodeMode::Shared);
/// let at = Duration::from_secs;
/// let mut orders = Vec::new();
/// for second in [10, 12, 14] {
///     orders = failover.observe(Reading::Bad(ProbeFailure::Timeout), at(second));
/// }
/// assert_eq!((failover.phase(), orders.contains(&Order::AskForLease)), (Phase::Armed, true));
/// assert!(failover.lease(LeaseAnswer::ByOther, at(14)).iter().all(|order| *order != Order::Lead));
/// assert!(failover.lease(LeaseAnswer::Held, at(44)).contains(&Order::Lead));
/// ```
#[derive(Debug, Clone)]
pub struct Failover {
    config: FailoverConfig,
    mode: TwoNodeMode,
    cloud: Connectivity,
    phase: Phase,
    since: Duration,
    /// When the work was last handed over, in either direction.
    handed_over_at: Option<Duration>,
    granting: Granting,
    /// Whether it was told that the lease is with somebody else, in this phase.
    is_unseen_told: bool,
    is_own_network_down: bool,
}

impl Failover {
    /// In standby, until readings say otherwise.
    #[must_use]
    pub fn new(config: FailoverConfig, mode: TwoNodeMode) -> Self {
        let cloud = Connectivity::new(&config);
        Self {
            config,
            mode,
            cloud,
            phase: Phase::Standby,
            since: Duration::ZERO,
            handed_over_at: None,
            granting: Granting::default(),
            is_unseen_told: false,
            is_own_network_down: false,
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Since when, in monotonic time.
    #[must_use]
    pub const fn since(&self) -> Duration {
        self.since
    }

    /// How the two sides agree.
    #[must_use]
    pub const fn mode(&self) -> TwoNodeMode {
        self.mode
    }

    /// What the readings say about the cloud.
    #[must_use]
    pub const fn cloud(&self) -> &Connectivity {
        &self.cloud
    }

    /// Whether the cloud is to be given the right to act: only while this side does nothing and may lose nothing by waiting.
    #[must_use]
    pub fn may_grant(&self) -> bool {
        self.mode == TwoNodeMode::LocalGrants && self.phase == Phase::Standby
    }

    /// How long to wait before the next look.
    #[must_use]
    pub const fn next_look(&self) -> Duration {
        if self.cloud.failures_in_a_row() > 0 { self.config.retry_every } else { self.config.interval }
    }

    /// From now on the two sides agree in another way: it became known, or ceased to be so, that they share a database.
    pub fn agree_by(&mut self, mode: TwoNodeMode, at: Duration) -> Vec<Order> {
        if self.mode == mode {
            return Vec::new();
        }
        self.mode = mode;
        match self.phase {
            // What gave the right before does not give it in the other way.
            Phase::Active | Phase::Draining => self.enter_armed_or_standby(at, Order::HandBack),
            Phase::Armed if self.needs_person() => vec![Order::Tell(Notice::NeedsPerson)],
            Phase::Armed => self.ask(at),
            Phase::Standby => Vec::new(),
        }
    }

    /// Takes in one look at the cloud.
    pub fn observe(&mut self, reading: Reading, at: Duration) -> Vec<Order> {
        let mut orders = self.note_own_network(reading);
        match self.cloud.observe(reading, at) {
            Some(Edge::WentOffline) => orders.push(Order::Tell(Notice::CloudOffline)),
            Some(Edge::Failed) => orders.extend(self.cloud_failed(at)),
            Some(Edge::CameOnline) => orders.push(Order::Tell(Notice::CloudOnline)),
            Some(Edge::Recovered) => orders.extend(self.cloud_recovered(at)),
            None => {}
        }
        orders.extend(self.tick(at));
        orders
    }

    /// Takes in what the database said about the lease. That it could not say anything is no answer: ask again.
    pub fn lease(&mut self, answer: LeaseAnswer, at: Duration) -> Vec<Order> {
        match (self.phase, answer) {
            (Phase::Armed, LeaseAnswer::Held) => self.become_active(at),
            (Phase::Armed, LeaseAnswer::ByOther) if !self.is_unseen_told => {
                self.is_unseen_told = true;
                vec![Order::Tell(Notice::CloudAliveUnseen)]
            }
            (Phase::Active | Phase::Draining, LeaseAnswer::Lost | LeaseAnswer::ByOther) => {
                let mut orders = self.enter_armed_or_standby(at, Order::Follow);
                orders.insert(0, Order::Tell(Notice::LeaseLost));
                orders
            }
            // It arrives too late: the cloud is back by now.
            (Phase::Standby, LeaseAnswer::Held) => vec![Order::HandBack],
            _ => Vec::new(),
        }
    }

    /// Lets time pass: what waited for it happens now.
    pub fn tick(&mut self, at: Duration) -> Vec<Order> {
        match self.phase {
            Phase::Armed => self.ask(at),
            Phase::Standby
                if self.may_grant() && self.cloud.is_online() && self.granting.speak_of(self.cloud.good_for(at), at) =>
            {
                vec![Order::Tell(Notice::NotGranted)]
            }
            Phase::Active if self.may_hand_back(at) => {
                self.enter(Phase::Draining, at);
                vec![Order::Drain]
            }
            Phase::Draining if at.saturating_sub(self.since) >= self.config.drain => self.drained(at),
            _ => Vec::new(),
        }
    }

    /// Nothing runs any more that was begun here.
    pub fn drained(&mut self, at: Duration) -> Vec<Order> {
        if self.phase != Phase::Draining {
            return Vec::new();
        }
        self.handed_over_at = Some(at);
        self.enter(Phase::Standby, at);
        vec![Order::HandBack, Order::Tell(Notice::HandedBack)]
    }

    /// The cloud was given the right to act; call it *before* the request leaves.
    pub const fn granted(&mut self, at: Duration) {
        self.granting.gave(at);
    }

    /// Whether the cloud is known to act by grants.
    #[must_use]
    pub const fn takes_grants(&self) -> bool {
        self.granting.is_known
    }

    /// The cloud showed that it acts by grants.
    pub const fn grants_taken(&mut self) {
        self.granting.is_known = true;
    }

    /// The cloud showed that it acts without asking: only a person can know that it has stopped.
    pub fn grants_refused(&mut self) -> Vec<Order> {
        self.granting.is_known = false;
        if self.phase == Phase::Armed && self.needs_person() { vec![Order::Tell(Notice::NeedsPerson)] } else { Vec::new() }
    }

    /// The cloud took a grant in.
    pub const fn accepted(&mut self, at: Duration) {
        self.granting.accepted(at);
    }

    /// Until when the cloud may have acted by what this side gave it; none where it acts by itself.
    #[must_use]
    pub fn cloud_acted_until(&self, at: Duration) -> Option<Duration> {
        if self.mode == TwoNodeMode::LocalGrants { self.granting.acted_until(at) } else { None }
    }

    /// A person says that the cloud is down for certain, and that this side is to do its work.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while the cloud answers, or when this side works already; [`ErrorKind::InvalidInput`] where the lease in the
    /// shared database decides.
    pub fn take_over(&mut self, at: Duration) -> Result<Vec<Order>> {
        let refuse =
            |kind, sentence| Err(Error::new(kind, sentence).with_operation("take over").with("phase", self.phase.as_str()));
        match (self.mode, self.phase) {
            (TwoNodeMode::Shared, _) => refuse(
                ErrorKind::InvalidInput,
                "the lease in the shared database decides: nobody has to, and nobody can against it",
            ),
            (_, Phase::Active | Phase::Draining) => refuse(ErrorKind::Conflict, "this side does the work already"),
            _ if self.cloud.reachability() != Reachability::Failed => {
                refuse(ErrorKind::Conflict, "the cloud does not count as failed: stop it first, so that never two act at once")
            }
            _ => Ok(self.become_active(at)),
        }
    }

    /// A person says that this side is to hand the work back now.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when this side does not do it.
    pub fn stand_down(&mut self, at: Duration) -> Result<Vec<Order>> {
        if self.phase != Phase::Active {
            return Err(Error::new(ErrorKind::Conflict, "this side does not do the cloud's work: there is nothing to hand back")
                .with_operation("stand down")
                .with("phase", self.phase.as_str()));
        }
        self.enter(Phase::Draining, at);
        Ok(vec![Order::Drain])
    }

    fn note_own_network(&mut self, reading: Reading) -> Vec<Order> {
        let is_down = reading == Reading::OwnNetworkDown;
        let is_new = is_down && !self.is_own_network_down;
        self.is_own_network_down = is_down;
        if is_new { vec![Order::Tell(Notice::OwnNetworkDown)] } else { Vec::new() }
    }

    fn cloud_failed(&mut self, at: Duration) -> Vec<Order> {
        let mut orders = vec![Order::Tell(Notice::CloudFailed)];
        match self.phase {
            Phase::Standby => {
                self.enter(Phase::Armed, at);
                match self.mode {
                    _ if self.needs_person() => orders.push(Order::Tell(Notice::NeedsPerson)),
                    TwoNodeMode::Available => orders.extend(self.become_active(at)),
                    // The tick that follows asks.
                    TwoNodeMode::Shared | TwoNodeMode::LocalGrants | TwoNodeMode::Manual => {}
                }
            }
            // It went away again before it had the work back.
            Phase::Draining => {
                self.enter(Phase::Active, at);
                orders.push(Order::Lead);
            }
            Phase::Armed | Phase::Active => {}
        }
        orders
    }

    fn cloud_recovered(&mut self, at: Duration) -> Vec<Order> {
        if self.phase == Phase::Armed {
            self.enter(Phase::Standby, at);
        }
        vec![Order::Tell(Notice::CloudRestored)]
    }

    fn ask(&mut self, at: Duration) -> Vec<Order> {
        match self.mode {
            TwoNodeMode::Shared => vec![Order::AskForLease],
            TwoNodeMode::LocalGrants if self.granting.are_over(self.since, at) => self.become_active(at),
            TwoNodeMode::Available => self.become_active(at),
            TwoNodeMode::LocalGrants | TwoNodeMode::Manual => Vec::new(),
        }
    }

    /// Whether nothing but a person's word gives the right to act.
    fn needs_person(&self) -> bool {
        self.mode == TwoNodeMode::Manual || (self.mode == TwoNodeMode::LocalGrants && !self.granting.is_known)
    }

    fn become_active(&mut self, at: Duration) -> Vec<Order> {
        self.handed_over_at = Some(at);
        self.enter(Phase::Active, at);
        vec![Order::Lead, Order::Tell(Notice::TookOver)]
    }

    fn may_hand_back(&self, at: Duration) -> bool {
        // Where it asks nobody, a cloud that is back does its work already: each moment longer is one of two at once.
        if matches!(self.mode, TwoNodeMode::Manual | TwoNodeMode::Available) {
            return self.cloud.is_online();
        }
        let is_settled = self.handed_over_at.is_none_or(|before| at.saturating_sub(before) >= self.config.handover_every);
        is_settled && self.cloud.is_online() && self.cloud.good_for(at) >= self.config.return_after
    }

    fn enter_armed_or_standby(&mut self, at: Duration, order: Order) -> Vec<Order> {
        let is_failed = self.cloud.reachability() == Reachability::Failed;
        self.enter(if is_failed { Phase::Armed } else { Phase::Standby }, at);
        vec![order]
    }

    const fn enter(&mut self, phase: Phase, at: Duration) {
        self.is_unseen_told = false;
        self.phase = phase;
        self.since = at;
    }
}
